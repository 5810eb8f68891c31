// Package signature verifies the webhooks of third parties. A request is signed by HMAC-SHA256, under
// a shared secret, of a timestamp, a dot and the body's bytes. The timestamp is signed, too, so that a
// recorded request cannot be sent again for long. Where both are in a request differs by third party.
package signature

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/secrets"
)

// Tolerance is how far a timestamp may be off, either way.
const Tolerance = 5 * time.Minute

var (
	// ErrInvalid: not signed as agreed, or too long ago. It does not say which, so as not to help a forger.
	ErrInvalid = fault.New(fault.Unauthenticated, "InvalidSignature", "the callback is not signed as agreed")
	// ErrNoSecret: there is no secret to verify with, and with an empty one everybody could sign.
	ErrNoSecret = fault.New(fault.Internal, "NoWebhookSecret", "the webhook's secret is empty")
)

// Scheme finds the timestamp, in seconds since 1970, and the signatures in the headers of a request,
// each signature in lower-case hexadecimal digits.
type Scheme func(http.Header) (timestamp string, signatures []string)

// Verifier verifies the webhooks of one third party.
type Verifier struct {
	Scheme Scheme
	Secret func(context.Context) ([]byte, error)
	Clock  clock.Clock
}

// FromEnv returns a verifier with the secret that WEBHOOK_SECRET names.
func FromEnv(env *function.Env, scheme Scheme) Verifier {
	return Verifier{scheme, secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock).Value, env.Clock}
}

// Verify checks in constant time that one of the signatures is of body, then the timestamp.
func (v Verifier) Verify(ctx context.Context, h http.Header, body []byte) error {
	secret, err := v.Secret(ctx)
	if err != nil {
		return err
	}
	if len(secret) == 0 {
		return ErrNoSecret
	}
	timestamp, signatures := v.Scheme(h)
	want, signed := Sign(secret, timestamp, body), false
	for _, got := range signatures {
		signed = hmac.Equal([]byte(want), []byte(got)) || signed
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	now := v.Clock.Now()
	if err != nil || !signed || seconds < now.Add(-Tolerance).Unix() || seconds > now.Add(Tolerance).Unix() {
		return ErrInvalid
	}
	return nil
}

// Sign returns the signature of body at a timestamp.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Package signature verifies webhooks of third parties. The signature is the HMAC-SHA256 of a
// timestamp, a dot and the body under a shared secret. The signed timestamp limits how long a
// recorded request can be replayed. A Scheme reads timestamp and signatures from a third party's
// headers.
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

// Tolerance is how far a timestamp may be in the past or future.
const Tolerance = 5 * time.Minute

var (
	// ErrInvalid means a wrong signature or timestamp. It does not say which, to not help a forger.
	ErrInvalid = fault.New(fault.Unauthenticated, "InvalidSignature",
		"the signature or timestamp of the webhook is invalid")
	// ErrNoSecret means that the secret is empty. Anybody could sign with an empty secret.
	ErrNoSecret = fault.New(fault.Internal, "NoWebhookSecret", "the webhook's secret is empty")
)

// Scheme reads the timestamp, in seconds since 1970, and the signatures, in lower-case hexadecimal,
// from a request's headers.
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

// Verify checks in constant time that one of the signatures is of body, then checks the timestamp.
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

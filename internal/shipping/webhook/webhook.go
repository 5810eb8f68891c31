// Package webhook is how the carrier signs its callbacks: `v1=` and the hexadecimal HMAC-SHA256, under a shared
// secret, of the timestamp, a dot and the body's bytes. The timestamp is part of what is signed, so that a
// recorded callback cannot be sent again for long.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"orderflow/internal/platform/fault"
)

// Headers that carry the signature.
const (
	HeaderTimestamp = "X-Carrier-Timestamp"
	HeaderSignature = "X-Carrier-Signature"
)

// Tolerance is how far a timestamp may be off, either way.
const Tolerance = 5 * time.Minute

var (
	// ErrSignature: not signed as agreed, or too long ago. It does not say which, so as not to help a forger.
	ErrSignature = fault.New(fault.Unauthenticated, "InvalidSignature", "the callback is not signed as agreed")
	// ErrNoSecret: there is no secret to verify with, and with an empty one everybody could sign.
	ErrNoSecret = fault.New(fault.Internal, "NoWebhookSecret", "the webhook's secret is empty")
)

// Sign returns the signature of body at timestamp, in seconds since 1970.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Verify checks a signature in constant time, then the timestamp against now.
func Verify(secret []byte, timestamp, signature string, body []byte, now time.Time) error {
	if len(secret) == 0 {
		return ErrNoSecret
	}
	if !hmac.Equal([]byte(signature), []byte(Sign(secret, timestamp, body))) {
		return ErrSignature
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || seconds < now.Add(-Tolerance).Unix() || seconds > now.Add(Tolerance).Unix() {
		return ErrSignature
	}
	return nil
}

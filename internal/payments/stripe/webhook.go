package stripe

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/fault"
)

// HeaderSignature carries when a webhook was signed and its signatures, one for each secret while Stripe rolls them:
// `t=1700000000,v1=<hex>,v1=<hex>`. See https://docs.stripe.com/webhooks#verify-manually.
const HeaderSignature = "Stripe-Signature"

// Tolerance is how far a signature's time may be off, either way.
const Tolerance = 5 * time.Minute

var (
	// ErrSignature: not signed as agreed, or too long ago. It does not say which, so as not to help a forger.
	ErrSignature = fault.New(fault.Unauthenticated, "InvalidSignature", "the notice is not signed as agreed")
	// ErrNoSecret: there is no secret to verify with, and with an empty one everybody could sign.
	ErrNoSecret = fault.New(fault.Internal, "NoWebhookSecret", "the webhook's secret is empty")
)

// Sign returns the header that Stripe would send with body at a time.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(signature(secret, t, body))
}

func signature(secret []byte, t string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify checks the header that came with body: one of its v1 signatures must be right, in constant time, and its time near now.
// Signatures of other schemes are passed over.
func Verify(secret []byte, header string, body []byte, now time.Time) error {
	if len(secret) == 0 {
		return ErrNoSecret
	}
	t, signatures := "", [][]byte{}
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(name) {
		case "t":
			if t != "" {
				return ErrSignature
			}
			t = value
		case "v1":
			if b, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, b)
			}
		}
	}
	want, right := signature(secret, t, body), false
	for _, got := range signatures {
		right = hmac.Equal(want, got) || right
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil || !right || seconds < now.Add(-Tolerance).Unix() || seconds > now.Add(Tolerance).Unix() {
		return ErrSignature
	}
	return nil
}

// noted are the types of Stripe's events after which the charge is looked at.
var noted = map[string]bool{
	"payment_intent.succeeded": true, "payment_intent.payment_failed": true, "payment_intent.canceled": true,
	"charge.refunded": true, "refund.failed": true, "charge.dispute.created": true, "charge.dispute.closed": true,
}

// Event is a webhook's body, as far as it is read.
type Event struct {
	// ID is the same when the event is sent again.
	ID string
	// Type says what happened, such as charge.refunded.
	Type string
	// what it happened to
	object struct {
		id, kind, intent, order string
	}
}

// UnmarshalJSON reads an event. What of its object is not of the expected form is left empty: objects differ by type.
func (e *Event) UnmarshalJSON(b []byte) error {
	var raw struct {
		ID   string          `json:"id"`
		Type string          `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	members := func(b json.RawMessage) (m map[string]json.RawMessage) {
		_ = json.Unmarshal(b, &m) // absent, null or of another form
		return m
	}
	object := members(members(raw.Data)["object"])
	text := func(b json.RawMessage) (s string) {
		_ = json.Unmarshal(b, &s) // likewise
		return s
	}
	e.ID, e.Type = raw.ID, raw.Type
	e.object.id, e.object.kind = text(object["id"]), text(object["object"])
	e.object.intent, e.object.order = text(object["payment_intent"]), text(members(object["metadata"])[metadataOrder])
	return nil
}

// Notice returns what the event says of a charge; ok is false where it says nothing that matters.
func (e Event) Notice() (n payments.Notice, ok bool) {
	n = payments.Notice{ID: e.ID, ChargeID: e.object.intent, Reference: e.object.order}
	if e.object.kind == "payment_intent" {
		n.ChargeID = e.object.id
	}
	return n, noted[e.Type] && n.ID != "" && (n.ChargeID != "" || n.Reference != "")
}

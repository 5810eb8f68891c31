package stripe

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/signature"
)

// HeaderSignature has the time of signing and a signature for each active secret:
// `t=1700000000,v1=<hex>,v1=<hex>`. See https://docs.stripe.com/webhooks#verify-manually.
const HeaderSignature = "Stripe-Signature"

// Sign returns the signature header of a webhook.
func Sign(secret []byte, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + signature.Sign(secret, t, body)
}

// Signatures is Stripe's signature.Scheme. Signatures of schemes other than v1 are ignored.
func Signatures(h http.Header) (timestamp string, signatures []string) {
	for part := range strings.SplitSeq(h.Get(HeaderSignature), ",") {
		name, value, _ := strings.Cut(part, "=")
		switch strings.TrimSpace(name) {
		case "t":
			if timestamp != "" {
				return "", nil // ambiguous
			}
			timestamp = value
		case "v1":
			signatures = append(signatures, strings.ToLower(value))
		}
	}
	return timestamp, signatures
}

// authorized is the type of the event of every authorization, if the endpoint gets it.
const authorized = "payment_intent.amount_capturable_updated"

// relevant are the types of Stripe's events that lead to a notice.
var relevant = map[string]bool{
	"payment_intent.succeeded": true, "payment_intent.payment_failed": true, "payment_intent.canceled": true,
	authorized:        true,
	"charge.refunded": true, "refund.failed": true, "charge.dispute.created": true, "charge.dispute.closed": true,
}

// Event is a webhook's body.
type Event struct {
	// ID is the same for repeated deliveries.
	ID string
	// Type says what happened, such as charge.refunded.
	Type string
	// object is what it happened to
	object struct {
		id, kind, intent, order string
	}
}

// UnmarshalJSON decodes an event. Members of its object with unexpected types stay empty: objects
// differ by event type.
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
		_ = json.Unmarshal(b, &m) // absent, null or of another type
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

// Notice returns the event's notice; ok is false if it is irrelevant to payments.
func (e Event) Notice() (n payments.Notice, ok bool) {
	n = payments.Notice{ID: e.ID, ChargeID: e.object.intent, Reference: e.object.order}
	n.Authorized = e.Type == authorized
	if e.object.kind == "payment_intent" {
		n.ChargeID = e.object.id
	}
	return n, relevant[e.Type] && n.ID != "" && (n.ChargeID != "" || n.Reference != "")
}

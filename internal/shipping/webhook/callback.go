package webhook

import (
	"encoding/json"
	"strings"
	"unicode"

	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping"
)

// Limits of stored texts, in characters. Events and the API allow no more.
const (
	maxTracking = 64
	maxReason   = 200
)

var errCallback = fault.New(fault.Invalid, "MalformedCallback", "the callback cannot be decoded")

// Read decodes the body of a callback. The carrier's contract may grow without notice, so only
// unreadable callbacks are refused: new members are ignored, and decided is false for a status
// without a decision, such as one of a parcel in transit. Nothing else blocks a decision: an
// unusable tracking number is dropped, a long reason is shortened.
func Read(body []byte) (cb shipping.Callback, decided bool, err error) {
	var in struct {
		ID             string          `json:"id"`
		Reference      string          `json:"reference"`
		Status         string          `json:"status"`
		TrackingNumber json.RawMessage `json:"trackingNumber"`
		Reason         json.RawMessage `json:"reason"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return shipping.Callback{}, false, errCallback.Because(err)
	}
	cb = shipping.Callback{ID: in.ID, Reference: in.Reference, Status: shipping.Status(strings.ToUpper(in.Status))}
	cb.TrackingNumber, cb.Reason = tracking(text(in.TrackingNumber)), sentence(text(in.Reason))
	return cb, cb.Status == shipping.StatusBooked || cb.Status == shipping.StatusRefused, nil
}

// exact is how many digits of a number every JSON reader preserves.
const exact = 15

// text returns a string as it is and a number as it is written, "" for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil && len(n) <= exact {
		return n.String()
	}
	return ""
}

// tracking returns a usable tracking number, or "". A truncated one would be useless.
func tracking(s string) string {
	s = strings.TrimSpace(s)
	if strings.ContainsFunc(s, hidden) || len([]rune(s)) > maxTracking {
		return ""
	}
	return s
}

// sentence puts a text on one line and shortens it.
func sentence(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || hidden(r) }), " ")
	if r := []rune(s); len(r) > maxReason {
		s = strings.TrimSpace(string(r[:maxReason]))
	}
	return s
}

// hidden reports whether r is invisible or harmful: a control or format character such as U+202E, a
// line separator, or a replacement character.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }

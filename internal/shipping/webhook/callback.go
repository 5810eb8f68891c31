package webhook

import (
	"encoding/json"
	"strings"
	"unicode"

	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping"
)

// What a shipment keeps of the carrier's words, in characters. Events and API take no more.
const (
	maxTracking = 64
	maxReason   = 200
)

// errCallback: not even what a callback is about can be told.
var errCallback = fault.New(fault.Invalid, "MalformedCallback", "the callback cannot be read")

// Read reads the body of a callback. The carrier's contract grows without notice, so only what cannot be understood is refused: new
// members are ignored, and decides is false for a status that decides nothing, such as that of a parcel on its way. What is said
// beside the decision never stands in its way: a tracking number that nobody could use is left out, a reason is shortened.
func Read(body []byte) (cb shipping.Callback, decides bool, err error) {
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
	cb.TrackingNumber, cb.Reason = tracking(word(in.TrackingNumber)), sentence(word(in.Reason))
	return cb, cb.Status == shipping.StatusBooked || cb.Status == shipping.StatusRefused, nil
}

// exact is how many digits of a number every reader of JSON keeps.
const exact = 15

// word is a member as text: a number as it is written, nothing where there is neither.
func word(raw json.RawMessage) string {
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

// tracking is a tracking number that can be shown and typed; a part of one leads nowhere.
func tracking(s string) string {
	s = strings.TrimSpace(s)
	if strings.ContainsFunc(s, hidden) || len([]rune(s)) > maxTracking {
		return ""
	}
	return s
}

// sentence is a text on one line.
func sentence(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || hidden(r) }), " ")
	if r := []rune(s); len(r) > maxReason {
		s = strings.TrimSpace(string(r[:maxReason]))
	}
	return s
}

// hidden reports whether nothing can be seen of r, or worse: controls, formats such as U+202E, separators of lines, lost characters.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || r == unicode.ReplacementChar }

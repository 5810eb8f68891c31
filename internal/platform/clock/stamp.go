package clock

import "time"

// Stamp is a time as APIs return it: in UTC and always with milliseconds, so that texts sort by
// time.
type Stamp struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (s Stamp) MarshalJSON() ([]byte, error) {
	return s.UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

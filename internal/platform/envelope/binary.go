package envelope

import "encoding/json"

// Binary returns the event's attributes by their names, as strings, for transports that carry them
// apart from the data: CloudEvents' binary mode.
func (e Event) Binary() map[string]string {
	all := map[string]string{}
	b, err := json.Marshal(attributes(e))
	var values map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(b, &values)
	}
	if err != nil { // the data is not JSON, so the event was not parsed
		return all
	}
	for name, value := range e.unknown {
		values[name] = value
	}
	delete(values, "data")
	for name, value := range values {
		all[name] = text(value)
	}
	return all
}

// text returns an attribute's value in its canonical form as a string.
func text(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

// FromBinary reads an event from its attributes and its data, as Parse does. Attributes that only a
// newer version of the code knows become strings: binary mode does not tell their type.
func FromBinary(all map[string]string, data []byte) (Event, error) {
	members := map[string]any{}
	for name, value := range all {
		members[name] = value
	}
	if version, has := all["aggregateversion"]; has {
		members["aggregateversion"] = json.RawMessage(version)
	}
	if delete(members, "data"); len(data) > 0 {
		members["data"] = json.RawMessage(data)
	}
	b, err := json.Marshal(members)
	if err != nil {
		return Event{}, ErrMalformed.Because(err)
	}
	return Parse(b)
}

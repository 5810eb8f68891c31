package fulfilment

import (
	"encoding/json"
	"maps"

	"orderflow/internal/platform/fault"
)

var errUnreadable = fault.New(fault.Internal, "UnreadableInput", "the input of an execution cannot be read")

// passOn makes the input of an execution of what was given for it: an event's data, another execution's input. All of it goes on, also
// what only a newer version of the code knows, but for the fields to leave out. Those of set take the place of its own.
func passOn(given json.RawMessage, set any, leave ...string) (json.RawMessage, error) {
	var fields, own map[string]json.RawMessage
	b, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(given, &fields) != nil || json.Unmarshal(b, &own) != nil || fields == nil {
		return nil, errUnreadable
	}
	for _, name := range leave {
		delete(fields, name)
	}
	maps.Copy(fields, own)
	return json.Marshal(fields)
}

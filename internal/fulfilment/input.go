package fulfilment

import (
	"encoding/json"
	"maps"

	"orderflow/internal/platform/fault"
)

var errUnreadable = fault.New(fault.Internal, "UnreadableInput", "the input of an execution cannot be read")

// deriveInput makes an execution's input from an event's data or another execution's input, without
// the fields to remove and with those of set. It keeps fields that only newer code knows.
func deriveInput(from json.RawMessage, set any, remove ...string) (json.RawMessage, error) {
	var fields, replaced map[string]json.RawMessage
	b, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(from, &fields) != nil || json.Unmarshal(b, &replaced) != nil || fields == nil {
		return nil, errUnreadable
	}
	for _, name := range remove {
		delete(fields, name)
	}
	maps.Copy(fields, replaced)
	return json.Marshal(fields)
}

package asl

import (
	"bytes"
	"encoding/json"
)

// Values are those of encoding/json: nil, bool, float64, string, []any, map[string]any. As in JSONata, every number is a
// double. They are shared between executions, so nothing may change one.

// undefined is JSONata's nothing, which is not null.
type undefined struct{}

// limit is how much data may go in or out of a state, in bytes.
const limit = 256 << 10

func encode(v any) (json.RawMessage, *failure) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // infinity, or not a number
		return nil, failed(ErrRuntime, "the value is not JSON: %s", err)
	}
	if b.Len()-1 > limit {
		return nil, failed(ErrDataLimitExceeded, "the data has %d bytes, more than %d", b.Len()-1, limit)
	}
	return b.Bytes()[:b.Len()-1], nil
}

func decode(data json.RawMessage) (any, error) {
	var v any
	err := json.Unmarshal(data, &v)
	return v, err
}

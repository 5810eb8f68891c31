package asl

import (
	"bytes"
	"encoding/json"
)

// Values are those of encoding/json: nil, bool, float64, string, []any, map[string]any. As in
// JSONata, every number is a double. Executions share values, so they must not be modified.

// undefined is JSONata's undefined, which is not null.
type undefined struct{}

// limit is the maximum input or output of a state, in bytes.
const limit = 256 << 10

func encode(v any) (json.RawMessage, *failure) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // infinity or NaN
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

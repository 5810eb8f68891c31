package asl

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Values are the types of encoding/json: nil, bool, float64, string, []any, map[string]any. As in
// JSONata, every number is a double. Executions share values, so they must not be modified.

// limit is the maximum input or output of a state, in bytes.
const limit = 256 << 10

func encode(v any) (json.RawMessage, *failure) {
	b, err := appendValue(make([]byte, 0, 512), v)
	if err != nil { // infinity or NaN
		return nil, failed(ErrRuntime, "the value is not JSON: %s", err)
	}
	if len(b) > limit {
		return nil, failed(ErrDataLimitExceeded, "the data has %d bytes, more than %d", len(b), limit)
	}
	return b, nil
}

// appendValue encodes a value like encoding/json without HTML escaping, but several times as fast.
func appendValue(b []byte, v any) (_ []byte, err error) {
	switch v := v.(type) {
	case map[string]any:
		b = append(b, '{')
		names := slices.AppendSeq(make([]string, 0, len(v)), maps.Keys(v))
		slices.Sort(names)
		for i, name := range names {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, name), ':')
			if b, err = appendValue(b, v[name]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendValue(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case string:
		return appendText(b, v), nil
	case float64:
		const exact = 1 << 53 // float64 represents all whole numbers up to here
		if n := int64(v); float64(n) == v && -exact < n && n < exact && n != 0 {
			return strconv.AppendInt(b, n, 10), nil
		}
	}
	return appendAny(b, v)
}

func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b, _ = appendAny(b, s) // strings always encode
			return b
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendAny(b []byte, v any) ([]byte, error) {
	out := bytes.NewBuffer(b)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

func decode(data json.RawMessage) (v any, err error) {
	err = json.Unmarshal(data, &v)
	return v, err
}

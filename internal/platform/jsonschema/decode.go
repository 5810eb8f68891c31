package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"orderflow/internal/platform/rawjson"
)

// maxDepth is how deep arrays and objects may be nested, far deeper than any contract.
const maxDepth = 32

var (
	errNotJSON   = errors.New("must be exactly one JSON value in UTF-8")
	errSurrogate = errors.New("has an unpaired surrogate (\\ud800 to \\udfff)")
	errTooDeep   = errors.New("is nested too deeply")
	errDuplicate = errors.New("has a duplicate field")
)

// Decode returns the value of a JSON text: nil, bool, string, []any or map[string]any; int64 for
// every whole number that fits, even if written as 70.0 or 7e1, which are integers in JSON Schema;
// float64 for other numbers. Package jcs encodes it again, and writes whole numbers so that Go
// reads them as integers. Unlike encoding/json it refuses duplicate fields, which are ambiguous.
func Decode(text []byte) (any, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errNotJSON
	}
	if !paired(text) {
		return nil, errSurrogate
	}
	return decode(bytes.TrimSpace(text), 0)
}

// paired reports whether all escaped surrogates in a JSON text are paired. encoding/json silently
// replaces an unpaired one by U+FFFD.
func paired(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '\\')
		if i < 0 || i+1 == len(text) {
			return true
		}
		text = text[i:]
		unit, escaped := escapedUnit(text)
		switch {
		case !escaped:
			text = text[2:]
		case !utf16.IsSurrogate(unit):
			text = text[6:]
		default:
			second, _ := escapedUnit(text[6:])
			if utf16.DecodeRune(unit, second) == utf8.RuneError {
				return false
			}
			text = text[12:]
		}
	}
}

// escapedUnit parses the escape \uXXXX at the start of text.
func escapedUnit(text []byte) (unit rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}

// decode decodes valid JSON.
func decode(text []byte, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	switch text[0] {
	case '{':
		return object(text, depth)
	case '[':
		items := []any{}
		for text := range rawjson.Items(text) {
			item, err := decode(text, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	case '"':
		return rawjson.Text(text), nil
	case 't', 'f':
		return text[0] == 't', nil
	case 'n':
		return nil, nil //nolint:nilnil // null
	}
	return number(string(text))
}

func object(text []byte, depth int) (any, error) {
	fields := map[string]any{}
	for quoted, text := range rawjson.Members(text) {
		name := rawjson.Text(quoted)
		if _, twice := fields[name]; twice {
			return nil, errDuplicate
		}
		value, err := decode(text, depth+1)
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	return fields, nil
}

func number(text string) (any, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errors.New("has a number out of range")
	}
	const exact = 1 << 53 // float64 represents all whole numbers up to here
	if strings.ContainsAny(text, ".eE") && f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f), nil
	}
	return f, nil
}

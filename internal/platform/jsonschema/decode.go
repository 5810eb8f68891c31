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
)

// maxDepth is how deep arrays and objects may be nested, far deeper than any contract.
const maxDepth = 32

var (
	errNotJSON   = errors.New("must be exactly one JSON value in UTF-8")
	errSurrogate = errors.New("has an unpaired surrogate (\\ud800 to \\udfff)")
	errTooDeep   = errors.New("is nested too deeply")
	errDuplicate = errors.New("has a duplicate field")
)

// decoder is stricter than encoding/json: it refuses duplicate fields, which are ambiguous.
type decoder struct{ *json.Decoder }

// Decode returns the value of a JSON text: nil, bool, string, []any or map[string]any; int64 for
// every whole number that fits, even if written as 70.0 or 7e1, which are integers in JSON Schema;
// float64 for other numbers. Package jcs encodes it again, and writes whole numbers so that Go
// reads them as integers.
func Decode(text []byte) (any, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errNotJSON
	}
	if !paired(text) {
		return nil, errSurrogate
	}
	d := decoder{json.NewDecoder(bytes.NewReader(text))}
	d.UseNumber()
	return d.value(0)
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

func (d *decoder) value(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	token, _ := d.Token() // Decode has checked that the text is JSON
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return d.array(depth)
		}
		return d.object(depth)
	case json.Number:
		return d.number(t.String())
	}
	return token, nil
}

func (d *decoder) array(depth int) (any, error) {
	items := []any{}
	for d.More() {
		item, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.Token()
	return items, err
}

func (d *decoder) object(depth int) (any, error) {
	fields := map[string]any{}
	for d.More() {
		token, _ := d.Token()
		name := token.(string)
		if _, twice := fields[name]; twice {
			return nil, errDuplicate
		}
		value, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		fields[name] = value
	}
	_, err := d.Token()
	return fields, err
}

func (d *decoder) number(text string) (any, error) {
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

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

// maxDepth is how deep arrays and objects may be nested; no contract comes near it.
const maxDepth = 32

var (
	errNotJSON   = errors.New("must be one JSON value in UTF-8 and nothing else")
	errSurrogate = errors.New("has an escape of half a character: \\ud800 to \\udfff stand in pairs only")
	errTooDeep   = errors.New("is nested too deeply")
	errDuplicate = errors.New("has a field twice")
)

// decoder reads a text more strictly than encoding/json: a field that is there twice is refused, because two readers of
// such a text may disagree on what it says.
type decoder struct{ *json.Decoder }

// Decode returns the value of a JSON text: nil, bool, string, []any, map[string]any; int64 for every whole number
// that fits, however it is written (JSON Schema takes 70.0 and 7e1 for integers); float64 for the other numbers.
// Package jcs writes it down again, each number in the one way that Go reads as an integer as well.
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

// paired reports whether every surrogate that a JSON text escapes stands in a pair. One alone is half a character, which
// encoding/json replaces silently by U+FFFD.
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

// escapedUnit reads the escape \uXXXX that text begins with.
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
		return nil, errors.New("has a number that is out of range")
	}
	const exact = 1 << 53 // up to here every whole number has its own float64
	if strings.ContainsAny(text, ".eE") && f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f), nil
	}
	return f, nil
}

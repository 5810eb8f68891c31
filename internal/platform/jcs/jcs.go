// Package jcs encodes JSON by the JSON Canonicalization Scheme (RFC 8785): equal values are equal
// bytes, whatever the order of members, the white space and the notation of numbers and strings.
//
// A library would parse the text again. Here package jsonschema has parsed it, and refused what the
// RFC excludes: duplicate names and text that is not UTF-8.
package jcs

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
)

// Append appends the canonical form of a value from jsonschema.Decode to dst: nil, bool, string,
// int64, float64, []any or map[string]any. An int64 is written with all its digits, as the RFC
// requires up to 2^53.
func Append(dst []byte, value any) []byte {
	switch v := value.(type) {
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendString(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return appendNumber(dst, v)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(dst, item)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		for i, name := range slices.SortedFunc(maps.Keys(v), byUTF16) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = Append(append(appendString(dst, name), ':'), v[name])
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}

// byUTF16 orders names by UTF-16 code units. Beyond U+FFFF that differs from the order of bytes.
func byUTF16(a, b string) int {
	return cmp.Or(slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))), cmp.Compare(a, b))
}

// appendNumber writes a number as ECMAScript and encoding/json do, and -0 as 0.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	text, _ := json.Marshal(f) // fails only for NaN and infinities, which are not JSON
	return append(dst, text...)
}

// short are the control characters with a two-character escape.
const short = "\b\t\n\f\r"

func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			dst = append(dst, '\\', c)
		case c >= ' ':
			dst = append(dst, c)
		default:
			if j := slices.Index([]byte(short), c); j >= 0 {
				dst = append(dst, '\\', "btnfr"[j])
				continue
			}
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}

// Package jcs writes JSON in its canonical form, the JSON Canonicalization Scheme (RFC 8785): two texts that say the same are
// the same bytes, whatever the order of members, white space and the way of writing numbers and strings.
//
// It is not a library because a value is parsed already where this is needed, by package jsonschema, which also refuses what
// the RFC leaves out: names that occur twice and text that is not UTF-8.
package jcs

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
)

// Append appends the canonical form of a value that jsonschema.Decode has made to dst: nil, bool, string, int64, float64, []any or
// map[string]any. A whole number is written with all of its digits, which up to 2^53 is what the RFC asks for.
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

// byUTF16 orders names by their UTF-16 code units, which differs from the order of bytes beyond U+FFFF.
func byUTF16(a, b string) int {
	return cmp.Or(slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b))), cmp.Compare(a, b))
}

// appendNumber writes a number as ECMAScript does. So does encoding/json, but for the negative zero.
func appendNumber(dst []byte, f float64) []byte {
	if f == 0 {
		return append(dst, '0')
	}
	text, _ := json.Marshal(f) // NaN and the infinities would fail, but JSON has none of them
	return append(dst, text...)
}

// short are the control characters that have an escape of their own.
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

// Package rawjson walks through JSON texts without decoding them. It saves a second decoding where
// only a few fields matter, or only their names.
//
// Texts must be valid JSON, as a json.RawMessage is that encoding/json has decoded. Of another text
// the results are meaningless.
package rawjson

import (
	"bytes"
	"encoding/json"
	"iter"
	"unicode/utf8"
)

// Members ranges over the names, in quotes, and the values of an object's members.
func Members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		name, rest := first(inside(object, '{'))
		for len(name) > 0 {
			var value []byte
			if value, rest = first(rest); !yield(name, value) {
				return
			}
			name, rest = first(rest)
		}
	}
}

// Items ranges over the items of an array.
func Items(array []byte) iter.Seq[[]byte] {
	return func(yield func(item []byte) bool) {
		item, rest := first(inside(array, '['))
		for len(item) > 0 && yield(item) {
			item, rest = first(rest)
		}
	}
}

// Decode decodes the member of an object into v, if it has one. Of several members of the name the
// last one counts, as in encoding/json.
func Decode(object []byte, name string, v any) error {
	var last []byte
	for n, value := range Members(object) {
		if Is(n, name) {
			last = value
		}
	}
	if last == nil {
		return nil
	}
	return json.Unmarshal(last, v)
}

// String returns the member of an object if it is a string, otherwise "".
func String(object []byte, name string) (s string) {
	_ = Decode(object, name, &s)
	return s
}

// Is reports whether a name in quotes, without escapes, is name.
func Is(quoted []byte, name string) bool {
	return len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name
}

// Text decodes a string in quotes.
func Text(quoted []byte) (s string) {
	if len(quoted) < 2 || bytes.IndexByte(quoted, '\\') >= 0 || !utf8.Valid(quoted) {
		_ = json.Unmarshal(quoted, &s) // the text is valid
		return s
	}
	return string(quoted[1 : len(quoted)-1])
}

// inside returns what follows the opening bracket of a text; nothing if it has another one.
func inside(text []byte, bracket byte) []byte {
	if text = trim(text); len(text) == 0 || text[0] != bracket {
		return nil
	}
	return text[1:]
}

// first splits a text after its first value. It returns no value before a closing bracket.
func first(text []byte) (value, rest []byte) {
	text = trim(text)
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:])
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return text[:i], text[i:]
			}
		case ' ', '\t', '\r', '\n', ',', ':':
			if depth == 0 { // after a number or a literal
				return text[:i], text[i:]
			}
			continue
		default:
			continue
		}
		if depth == 0 { // after a string, an object or an array
			i = min(i+1, len(text))
			return text[:i], text[i:]
		}
	}
	return text, nil
}

// stringEnd returns the index of the closing quote of the string at the start of text.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			break
		}
		i += n
		backslashes := 0
		for text[i-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return i
		}
	}
	return len(text)
}

// trim removes what may stand before a value.
func trim(text []byte) []byte {
	for i, c := range text {
		switch c {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return text[i:]
		}
	}
	return nil
}

// Package printable decides which Unicode text is safe to store and to show.
//
// A control character can drive a terminal, a format character can reorder text, and a separator
// can forge a second line. OneLine is the rule for input: the format one-line-text of the API's
// contract. Escape and Writer are for terminals: older data may contain what is refused today.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The joiners are format characters that Persian, Hindi, other languages and emoji need.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// braille is the pattern without dots: a symbol in Unicode that looks like a space.
const braille = '\u2800'

// OneLine reports whether s is one line of visible text: not blank, and without control characters,
// format characters except joiners inside a word, line or paragraph separators, and replacement
// characters, which stand for lost text.
func OneLine(s string) bool {
	seen := false
	for i, r := range s {
		if r == utf8.RuneError || hidden(s, i, r) {
			return false
		}
		seen = seen || !blank(r)
	}
	return seen
}

// Escape replaces everything that is not one line of visible text by \uXXXX, as in JSON.
func Escape(s string) string { return escape(s, "") }

// escape is Escape except for the characters in keep.
func escape(s, keep string) string {
	var out *strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		broken := r == utf8.RuneError && size == 1
		if !broken && (!hidden(s, i, r) || strings.ContainsRune(keep, r)) {
			if out != nil {
				out.WriteRune(r)
			}
			continue
		}
		if out == nil {
			out = &strings.Builder{}
			out.WriteString(s[:i])
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(out, `\u%04x`, unit)
		}
	}
	if out == nil {
		return s
	}
	return out.String()
}

// Writer returns a writer to w that escapes everything but line breaks and tabs. JSON keeps its
// meaning, because the other escaped characters occur only in its strings. Each Write must have
// whole characters.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, escape(string(p), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// hidden reports whether r, at index i of s, is a control or format character or a line separator.
func hidden(s string, i int, r rune) bool {
	if r == joiner || r == nonJoiner {
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		return !joins(before) || !joins(after)
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// joins reports whether a joiner may be next to r.
func joins(r rune) bool {
	return r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.S)
}

// blank reports whether r is invisible.
func blank(r rune) bool {
	return r == braille || r == joiner || r == nonJoiner ||
		unicode.In(r, unicode.White_Space, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

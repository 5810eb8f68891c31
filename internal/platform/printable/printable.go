// Package printable decides which text is safe to store and to show, by Unicode and not by ASCII.
//
// A control character can drive a terminal, a format character can turn the order of what is read, and a separator can
// forge a second line. OneLine is the rule for text that comes in: it is the format one-line-text of the API's contract.
// Escape and Writer are for what goes to a terminal, because older data may hold what is refused today.
package printable

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The joiners shape words of Persian, Hindi and other languages, and emoji. They are format characters that text needs.
const (
	nonJoiner = '\u200c'
	joiner    = '\u200d'
)

// braille is a pattern without dots. Unicode counts it as a symbol, and it looks like a space.
const braille = '\u2800'

// OneLine reports whether s is one line of text that can be seen: it has no control character, no format character but
// joiners inside a word, no line or paragraph separator, no replacement character, and it is not blank. A replacement
// character stands for text that was lost on its way.
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

// Escape writes whatever is not one line of visible text as \uXXXX, as JSON does.
func Escape(s string) string { return escape(s, "") }

// escape is Escape for all but the characters in keep.
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

// Writer returns a writer that escapes everything but line breaks and tabs before it reaches w. JSON stays JSON with the
// same meaning, since such characters stand only within its strings. Each call must hold whole characters.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.to, escape(string(p), "\n\t")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// hidden reports whether r, which stands at i of s, is a control or format character or a separator of lines.
func hidden(s string, i int, r rune) bool {
	if r == joiner || r == nonJoiner {
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		return !joins(before) || !joins(after)
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// joins reports whether a joiner may stand beside r.
func joins(r rune) bool {
	return r != utf8.RuneError && unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.S)
}

// blank reports whether r leaves nothing to see.
func blank(r rune) bool {
	return r == braille || r == joiner || r == nonJoiner ||
		unicode.In(r, unicode.White_Space, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

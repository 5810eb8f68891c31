// Package cardnumber finds payment card numbers in text, so that they can be refused before they
// are stored or logged.
//
// A number counts if a card scheme could have issued it: its first digits and its length are a
// scheme's, and it passes the Luhn check. Digits may be of any script and have separators between
// them. The Luhn check alone is not enough: one in ten random numbers passes it, such as order
// numbers, dates with counters, EANs and SSCCs.
package cardnumber

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scheme is a range of first digits and the lengths of its numbers.
type scheme struct {
	from, to             string
	minDigits, maxDigits int
}

// schemes follow ISO/IEC 7812 and the schemes' own publications. Maestro numbers of 12 digits are
// left out; all others in use have at least 13.
var schemes = []scheme{
	{"2200", "2204", 16, 19}, // Mir
	{"2221", "2720", 16, 16}, // Mastercard
	{"300", "305", 14, 19},   // Diners Club
	{"3095", "3095", 14, 19}, // Diners Club
	{"34", "34", 15, 15},     // American Express
	{"37", "37", 15, 15},     // American Express
	{"3528", "3589", 16, 19}, // JCB
	{"36", "36", 14, 19},     // Diners Club
	{"38", "39", 14, 19},     // Diners Club
	{"4", "4", 13, 13},       // Visa, older
	{"4", "4", 16, 16},       // Visa
	{"4", "4", 19, 19},       // Visa
	{"50", "50", 13, 19},     // Maestro, RuPay, Elo
	{"51", "55", 16, 16},     // Mastercard
	{"56", "58", 13, 19},     // Maestro
	{"60", "69", 13, 19},     // Discover, Maestro, RuPay, UnionPay and others
	{"81", "82", 16, 19},     // UnionPay, RuPay
	{"9792", "9792", 16, 16}, // Troy
}

const shortest, longest = 13, 19

// separators is the maximum number of characters between two digits of a number.
const separators = 8

// In reports whether s contains a payment card number.
func In(s string) bool { return contains(s, shortest) }

// InSKU is In for SKUs, in which 13 or 14 digits are an EAN or a GTIN.
func InSKU(s string) bool { return contains(s, 15) }

func contains(s string, minDigits int) bool {
	inNumber := false
	for i, r := range s {
		_, digit := digitOf(r)
		if digit && !inNumber && numberAt(s, i, minDigits) {
			return true
		}
		inNumber = digit
	}
	return false
}

// numberAt reports whether a number of minDigits or more digits starts at s[from]. The next
// character must not be a digit or a letter.
func numberAt(s string, from, minDigits int) bool {
	digits := make([]byte, 0, longest)
	apart := 0
	for i, r := range s[from:] {
		d, ok := digitOf(r)
		switch {
		case ok && len(digits) == longest:
			return false
		case ok:
			digits, apart = append(digits, d), 0
			end := from + i + utf8.RuneLen(r)
			valid := len(digits) >= minDigits && issued(digits) && Luhn(digits)
			if valid && ends(s[end:]) && !inIdentifier(s, from, end) {
				return true
			}
		case separator(r) && apart < separators:
			apart++
		default:
			return false
		}
	}
	return false
}

// digitOf returns the value of a decimal digit of any script. Unicode lists them in tens, from 0 to
// 9.
func digitOf(r rune) (byte, bool) {
	const digits = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"
	if r < utf8.RuneSelf {
		if r < '0' || r > '9' {
			return 0, false
		}
		return digits[r-'0'], true
	}
	at := int64(r)
	for _, t := range unicode.Nd.R16 {
		if lo := int64(t.Lo); at >= lo && at <= int64(t.Hi) {
			return digits[(at-lo)%10], true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if lo := int64(t.Lo); at >= lo && at <= int64(t.Hi) {
			return digits[(at-lo)%10], true
		}
	}
	return 0, false
}

func separator(r rune) bool {
	return strings.ContainsRune(".,:;/|_*+\u200c\u200d", r) || unicode.In(r, unicode.Zs, unicode.Pd)
}

// ends reports whether a number ends before rest: no digit or letter follows.
func ends(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	_, digit := digitOf(r)
	return rest == "" || !digit && !letter(r)
}

// inIdentifier reports whether s[from:to] is part of a random identifier, such as a UUID, a trace
// id or a ULID: the word around it is hexadecimal with a letter, or digits and letters precede the
// number.
func inIdentifier(s string, from, to int) bool {
	before := strings.TrimRightFunc(s[:from], letter)
	if r, _ := utf8.DecodeLastRuneInString(before); len(before) < from && r >= '0' && r <= '9' {
		return true
	}
	outside := func(r rune) bool { return r != '-' && !letter(r) && (r < '0' || r > '9') }
	begin := strings.LastIndexFunc(s[:from], outside) + 1
	if n := strings.IndexFunc(s[to:], outside); n >= 0 {
		to += n
	} else {
		to = len(s)
	}
	word := s[begin:to]
	notHex := func(r rune) bool { return letter(r) && unicode.ToLower(r) > 'f' }
	return strings.ContainsFunc(word, letter) && !strings.ContainsFunc(word, notHex)
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

func issued(digits []byte) bool {
	var first [4]byte
	for i := range first {
		first[i] = '0' + digits[i]
	}
	for _, s := range schemes {
		head := string(first[:len(s.from)])
		if len(digits) >= s.minDigits && len(digits) <= s.maxDigits && head >= s.from && head <= s.to {
			return true
		}
	}
	return false
}

// Luhn reports whether the digits, given as values, pass the Luhn check of ISO/IEC 7812-1, annex B.
func Luhn(digits []byte) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i])
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

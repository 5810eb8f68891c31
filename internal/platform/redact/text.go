package redact

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"orderflow/internal/platform/cardnumber"
)

// A pattern is compiled when one of its clues is first seen, to keep the start of a function fast.
type pattern struct {
	// clues are lower-case texts. A match contains at least one of them.
	clues   []string
	regexp  func() *regexp.Regexp
	replace string
}

func matching(expr, replace string, clues ...string) pattern {
	return pattern{clues, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) }), replace}
}

var patterns = []pattern{
	matching(`(?i)\b(bearer|basic)\s+[^\s"',;]+`, "$1 "+Mask, "bearer", "basic"),
	matching(`eyJ[\w-]{8,}(\.[\w-]*){0,4}`, Mask, "eyj"),
	matching(`\b((sk|rk|pk|whsec|pm|tok|seti|src)_|card_)[A-Za-z0-9_]{3,}`, Mask,
		"sk_", "rk_", "pk_", "whsec_", "pm_", "tok_", "seti_", "src_", "card_"),
	matching(`(?i)((?:password|passwd|secret|token|authorization|signature|api[-_]?key|cookie)["']?\s*[:=]\s*)`+
		`("[^"]*"?|'[^']*'?|[^\s"',;&}]+)`, "${1}"+Mask,
		"passw", "secret", "token", "authorization", "signature", "key", "cookie"),
	matching(`[^\s"'<>(),;:=\\\[\]{}/?&]+@[^\s"'<>(),;:=\\\[\]{}/?&]+`, Mask, "@"),
}

// Text masks what looks like an e-mail address, a payment card number, a bearer token or another
// secret. In a JSON document it also masks values by their names.
func Text(s string) string {
	if trimmed := strings.TrimSpace(s); strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		if tree, ok := parse([]byte(s)); ok {
			if b, err := json.Marshal(walk(tree)); err == nil {
				return string(b)
			}
		}
	}
	lower := strings.ToLower(s)
	for _, p := range patterns {
		if slices.ContainsFunc(p.clues, func(clue string) bool { return strings.Contains(lower, clue) }) {
			s = p.regexp().ReplaceAllString(s, p.replace)
		}
	}
	return cards(s)
}

// identifier matches our own identifiers, which may contain a card number by chance: trace and span
// ids, UUIDs and ULIDs.
var identifier = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}` +
		`|00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}|[0-7][0-9A-HJKMNP-TV-Z]{25})$`)
})

// cards masks payment card numbers, with or without spaces and hyphens between the digits.
func cards(s string) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		// The first digit of a card number is 2 to 6.
		if s[i] < '2' || s[i] > '6' || i > 0 && s[i-1] >= '0' && s[i-1] <= '9' {
			continue
		}
		end := card(s[i:])
		if end == 0 || inIdentifier(s, i, i+end) {
			continue
		}
		out.WriteString(s[done:i] + Mask)
		done, i = i+end, i+end-1
	}
	return out.String() + s[done:]
}

// card returns the length of the longest card number at the start of s, or 0. It has 14 to 19
// digits; old numbers that begin with 4 have 13.
func card(s string) (end int) {
	var digits []byte
	for i := 0; i < len(s) && len(digits) < 19; i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c-'0')
			if n := len(digits); (n >= 14 || n == 13 && s[0] == '4') && cardnumber.Luhn(digits) {
				end = i + 1
			}
		case (c == ' ' || c == '-') && i > 0 && s[i-1] != ' ' && s[i-1] != '-':
		default:
			return end
		}
	}
	return end
}

const letters = "abcdefABCDEFGHJKMNPQRSTVWXYZ"

// inIdentifier reports whether s[from:to] is part of an identifier that has at least one letter.
func inIdentifier(s string, from, to int) bool {
	word := func(c byte) bool {
		return c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	for from > 0 && word(s[from-1]) {
		from--
	}
	for to < len(s) && word(s[to]) {
		to++
	}
	token := s[from:to]
	return strings.ContainsAny(token, letters) && identifier().MatchString(token)
}

package contracts

import (
	"regexp"
	"testing"
	"unicode/utf8"

	"orderflow/internal/platform/jsonschema"
)

func TestPatternsAreComparedAsLanguages(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		shortest int
		within   bool
	}{
		{`^[A-Z]{3}$`, `^[A-Z]+$`, 0, true},
		{`^[A-Z]+$`, `^[A-Z]{3}$`, 0, false},
		{`^[0-7][0-9A-Z]{25}$`, `^[0-9A-Z]{26}$`, 0, true},
		{`^[0-9A-Z]{26}$`, `^[0-7][0-9A-Z]{25}$`, 0, false},
		{`^(A|B_C)$`, `^[A-Z]+(_[A-Z]+)*$`, 0, true},
		{`^(A|B__C)$`, `^[A-Z]+(_[A-Z]+)*$`, 0, false},
		{`^[!-?A-~]+@[!-?A-~]+$`, `^(.+@.+)?$`, 0, true},
		{`^.*$`, `^.+$`, 0, false},
		{`^.*$`, `^.+$`, 1, true},
		{``, `^.*$`, 0, false}, // a line break
		{``, `(?s)^.*$`, 0, true},
		{`a`, `b`, 0, false},
		{`ab`, `b`, 0, true},
		{`(?i)^k$`, `^[Kk]$`, 0, false}, // the Kelvin sign
		{`(?i)^x$`, `^[Xx]$`, 0, true},
		{`^[^\x00-\x1f\x7f]+$`, `^[^\x00-\x1f]+$`, 0, true},
		{`^[^\x00-\x1f]+$`, `^[^\x00-\x1f\x7f]+$`, 0, false},
		{`^[^\pC]+$`, `^[^\p{Cc}]+$`, 0, true},
	} {
		witness, found, err := outside(language{pattern: c.a, min: c.shortest}, language{pattern: c.b})
		if err != nil || found == c.within {
			t.Errorf("%s within %s: %q %t, %v; want %t", c.a, c.b, witness, !found, err, c.within)
		}
		matches := func(pattern string) bool { return regexp.MustCompile(pattern).MatchString(witness) }
		if found && (!matches(c.a) || matches(c.b) || utf8.RuneCountInString(witness) < c.shortest) {
			t.Errorf("%q does not distinguish %s from %s", witness, c.a, c.b)
		}
	}
	if _, _, err := outside(language{pattern: `\bx`}, language{pattern: `x`}); err == nil {
		t.Error("want an error for word boundaries")
	}
}

func TestLengthsOfPatterns(t *testing.T) {
	fits := func(pattern string, shortest, longest int) bool {
		_, found, err := outside(language{pattern: pattern}, language{min: shortest, max: &longest})
		if err != nil {
			t.Fatal(err)
		}
		return !found
	}
	for pattern, want := range map[string][2]int{
		`^[a-z][a-z -]{0,15}$`: {1, 16}, `^[a-z]{3}$`: {3, 3}, `^a+$`: {1, -1}, `^(ab|c)?$`: {0, 2},
		`[a-z]{3}`: {3, -1}, `^(a|b*)$`: {0, -1}, ``: {0, -1},
	} {
		shortest, longest := want[0], want[1]
		if longest < 0 { // unbounded
			if fits(pattern, 0, 99) {
				t.Errorf("%s: no longer than 99 characters", pattern)
			}
			continue
		}
		if !fits(pattern, shortest, longest) || fits(pattern, shortest+1, longest) ||
			fits(pattern, shortest, longest-1) {
			t.Errorf("%s: not of %d to %d characters", pattern, shortest, longest)
		}
	}
}

func TestWrittenSchemasAreComparedWithAcceptedOnes(t *testing.T) {
	for _, c := range []struct {
		written, taken string
		taking         bool
	}{
		{`{"type":"string","maxLength":9}`, `{"type":"string","maxLength":9}`, true},
		{`{"type":"string","maxLength":9}`, `{"type":"string","maxLength":8}`, false},
		{`{"type":"string"}`, `{"type":"string","maxLength":8}`, false},
		{`{"type":"string","pattern":"^a{3}$"}`, `{"type":"string","minLength":3,"maxLength":3}`, true},
		{`{"type":"string"}`, `{"type":"string","minLength":1}`, false},
		{`{"type":"string","enum":["DE"]}`, `{"type":"string","pattern":"^[A-Z]{2}$"}`, true},
		{`{"type":"string","enum":["DEU"]}`, `{"type":"string","pattern":"^[A-Z]{2}$"}`, false},
		{`{"type":"string"}`, `{"type":"string","enum":["DE"]}`, false},
		{`{"type":"string"}`, `{"type":"integer"}`, false},
		{`{"type":"string"}`, `{}`, true},
		{`{"type":"integer","minimum":1,"maximum":9}`, `{"type":"integer","minimum":0,"maximum":9}`, true},
		{`{"type":"integer","minimum":-1,"maximum":9}`, `{"type":"integer","minimum":0}`, false},
		{`{"type":"integer","minimum":1}`, `{"type":"integer","maximum":9}`, false},
		{`{"type":"integer","not":{"enum":[0]}}`, `{"type":"integer","not":{"enum":[0]}}`, true},
		{`{"type":"integer"}`, `{"type":"integer","not":{"enum":[0]}}`, false},
		{`{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string"}}`,
			`{"type":"array","minItems":1,"maxItems":2,"items":{"type":"string"}}`, true},
		{`{"type":"array","maxItems":3}`, `{"type":"array","maxItems":2}`, false},
		{`{"type":"array"}`, `{"type":"array","maxItems":2}`, false},
		{`{"type":"array"}`, `{"type":"array","minItems":1}`, false},
		{`{"type":"array","items":{"type":"string"}}`, `{"type":"array","items":{"type":"string","minLength":1}}`,
			false},
		{`{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}`,
			`{"type":"object","required":["a"]}`, true},
		{`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object","required":["a"]}`, false},
		{`{"type":"object","properties":{"a":{"type":"string"}}}`,
			`{"type":"object","properties":{"a":{"type":"string","minLength":1}}}`, false},
		{`{"type":"object","properties":{"a":{"type":"string"}}}`, `{"type":"object","additionalProperties":false}`,
			false},
	} {
		written, err := jsonschema.Parse([]byte(c.written))
		if err != nil {
			t.Fatal(err)
		}
		taken, err := jsonschema.Parse([]byte(c.taken))
		if err != nil {
			t.Fatal(err)
		}
		if bad := Refusals("", written, taken); (len(bad) == 0) != c.taking {
			t.Errorf("%s for %s: %q, want it accepted: %t", c.written, c.taken, bad, c.taking)
		}
	}
}

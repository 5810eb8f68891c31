package asl

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	jsonata "github.com/blues/jsonata-go"
	"pgregory.net/rapid"
)

const data = `{"nil":null,"one":[1],"none":[],"deep":[[1,2],[3]],"s":"ü<&>\"","n":123456789.25,
	"o":{"a":1,"b":{"c":"x"}},"l":[{"x":1},{"x":[2,3]},{}],"t":true,"e":{}}`

func evaluate(t testing.TB, text string) (any, error) {
	t.Helper()
	e, err := expressionIn(text, "input")
	if err != nil {
		t.Fatal(err)
	}
	input, err := decode(json.RawMessage(data))
	if err != nil {
		t.Fatal(err)
	}
	return e(map[string]any{"input": input}, map[string]any{})
}

func expressionIn(text string, scope ...string) (expression, error) {
	return (&compiler{scope: scope, reads: map[string]bool{}}).parse(text)
}

// format returns a value as JSON; undefined is "".
func format(v any) string {
	if v == undefined {
		return ""
	}
	b, fail := encode(v)
	if fail != nil {
		return fail.name
	}
	return string(b)
}

func TestExpressions(t *testing.T) {
	for text, want := range map[string]string{
		`$states.input.nil`:                                   `null`,
		`$states.input.none`:                                  `[]`,
		`$states.input.one`:                                   `[1]`,
		`$states.input.deep`:                                  `[[1,2],[3]]`,
		`$states.input.s`:                                     `"ü<&>\""`,
		`$states.input.o.b.c`:                                 `"x"`,
		`$states.input.o.z`:                                   ``,
		`$states.input.nil.x`:                                 ``,
		`$states.input.l.x`:                                   `error`,
		`$states.input.deep.x`:                                `error`,
		`$merge([$states.input.o, {'a': 2}])`:                 `{"a":2,"b":{"c":"x"}}`,
		`$merge([$states.input.e, {'a': $states.input.z}])`:   `{}`,
		`$merge([$states.input.z, {'a': $states.input.nil}])`: `{"a":null}`,
		`$merge($states.input.z)`:                             ``,
		`$merge([$states.input.s])`:                           `error`,
		`$string($states.input.o.b)`:                          `"{\"c\":\"x\"}"`,
		`$string($states.input.o)`:                            `error`,
		`$string($states.input.n)`:                            `error`,
		`$string($states.input.s)`:                            `"ü<&>\""`,
		`$string($states.input.z)`:                            ``,
		`$count($keys($states.input.o)) > 1`:                  `true`,
		`$count($keys($states.input.e)) > 0`:                  `false`,
		`$count($states.input.z)`:                             `0`,
		`$count($states.input.s)`:                             `1`,
		`$keys({'a': 1})`:                                     `"a"`,
		`$lookup({'a': 'b'}, $states.input.z)`:                ``,
		`$lookup({'a': 'b'}, 'a')`:                            `"b"`,
		`$lookup({'a': 'b'}, 1)`:                              `error`,
		`$exists($states.input.nil)`:                          `true`,
		`$exists($states.input.z)`:                            `false`,
		`($x := {'A': 'b'}; $y := $lookup($x, 'C'); $exists($y) ? $y : 'I')`: `"I"`,
		`$states.input.t ? 1 : 2`:                `1`,
		`$states.input.none ? 1 : 2`:             `error`,
		`$states.input.z ? 1 : 2`:                `error`,
		`$states.input.z > 1`:                    ``,
		`'b' > 'a'`:                              `error`,
		`1 > 'a'`:                                `error`,
		`[$states.input.s, 1, $states.input.z]`:  `["ü<&>\"",1]`,
		`[[1], $states.input.z]`:                 `error`,
		`'a' & $states.input.o.b.c & 2`:          `"ax2"`,
		`'a' & $states.input.z`:                  `"a"`,
		`'a' & $states.input.n`:                  `error`,
		`$substring($states.input.s, 1, 2)`:      `"<&"`,
		`$substring($states.input.s, 0, 99)`:     `"ü<&>\""`,
		`$substring($states.input.z, 0, 1)`:      ``,
		`$substring(1, 0, 1)`:                    `error`,
		`$substringBefore('a: b', ':')`:          `"a"`,
		`$substringBefore('a', ':')`:             `"a"`,
		`$substringBefore($states.input.z, ':')`: ``,
		`$substringBefore(1, ':')`:               `error`,
		`$substringAfter('a: b: c', ': ')`:       `"b: c"`,
		`$substringAfter('a', ':')`:              `"a"`,
		`$substringAfter($states.input.z, ':')`:  ``,
		`$substringAfter(1, ':')`:                `error`,
		`[$states.input.one]`:                    `error`,
	} {
		v, err := evaluate(t, text)
		got := format(v)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s is %s (%v), want %s", text, got, err, want)
		}
	}
}

func TestExpressionsOutsideTheSubsetAreRefused(t *testing.T) {
	for _, text := range []string{
		`$`, `$$`, `$states`, `$states.result`, `$states.inputs.a`, `input.a`, `$states.context.State.Name`, `$uuid()`,
		`$sum([1])`,
		`$states.input.a[0]`, `$states.input.*`, `$states.input.**`, `$states.input.a = 1`, `1 + 1`,
		`true and false`, `function($x){$x}`,
		`$x`, `($merge := 1; $merge)`, `($states := 1; 1)`, `$merge()`, `$lookup({})`, `true ? 1`, `/a/`,
		`$states.input.a^(b)`, `$states.input{a: b}`,
		`{'a': 1, 'a': 2}`, `{$states.input.z: 2}`, `($x := $x; $x)`,
		`$map`, `(1; $y; $y := 2)`, `(`, ``, `$states.input.a ~> $string`,
	} {
		if _, err := expressionIn(text, "input"); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// The library is the oracle, except for its known errors: it treats null and [] as undefined,
// returns null if $lookup finds nothing, and escapes <, & and > in $string.
func TestExpressionsAgreeWithTheLibrary(t *testing.T) {
	input := map[string]any{}
	text := strings.NewReplacer(`"nil":null,`, "", `"none":[],`, "", `<&>`, "").Replace(data)
	if err := json.Unmarshal([]byte(text), &input); err != nil {
		t.Fatal(err)
	}
	states := map[string]any{"input": input}
	rapid.Check(t, func(r *rapid.T) {
		text := expressions(3).Draw(r, "expression")
		e, err := expressionIn(text, "input")
		if err != nil {
			r.Fatalf("%s: %v", text, err)
		}
		got, err := e(states, map[string]any{})
		lib, libErr := jsonata.MustCompile("($states := $; " + text + ")").Eval(states)
		switch {
		case libErr == jsonata.ErrUndefined:
			if err != nil || got != undefined {
				r.Fatalf("%s is %v (%v), undefined by the library", text, got, err)
			}
		case libErr != nil || err != nil:
			if (libErr == nil) != (err == nil) {
				r.Fatalf("%s: %v, by the library %v", text, err, libErr)
			}
		case format(got) != format(lib) && !reflect.DeepEqual(got, lib):
			r.Fatalf("%s is %s, by the library %s", text, format(got), format(lib))
		}
	})
}

// expressions draws expressions of the subset.
func expressions(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(r *rapid.T) string {
		leaf := rapid.SampledFrom([]string{
			`$states.input.one`, `$states.input.deep`, `$states.input.s`, `$states.input.n`, `$states.input.o`,
			`$states.input.o.b.c`, `$states.input.z`,
			`$states.input.l`, `$states.input.t`, `'a'`, `'b'`, `1`, `2.5`, `true`, `false`,
		})
		if depth == 0 {
			return leaf.Draw(r, "leaf")
		}
		sub := func() string { return expressions(depth-1).Draw(r, "part") }
		object := func() string {
			objects := []string{`$states.input.o`, `$states.input.z`, `{'a': ` + sub() + `}`}
			return rapid.SampledFrom(objects).Draw(r, "object")
		}
		switch rapid.IntRange(0, 10).Draw(r, "kind") {
		case 0:
			return `$merge([` + object() + `, ` + object() + `])`
		case 1:
			return `{'a': ` + sub() + `, 'b': ` + sub() + `}`
		case 2:
			lists := []string{`$keys(` + object() + `)`, `$states.input.l`, `$states.input.z`}
			return `$count(` + rapid.SampledFrom(lists).Draw(r, "counted") + `) > 1`
		case 3:
			return `$exists(` + sub() + `)`
		case 4:
			return `($x := ` + sub() + `; $y := ` + sub() + `; $exists($x) ? $y : $x)`
		case 5:
			return `($exists(` + sub() + `) ? ` + sub() + ` : ` + sub() + `)`
		case 6:
			// never null
			return `$lookup($states.input.o, ` + rapid.SampledFrom([]string{`'a'`, `'b'`}).Draw(r, "key") + `)`
		case 7:
			return `$string($merge([$states.input.o.b, {'s': $string($states.input.s)}]))`
		case 8:
			return `[` + object() + `]`
		case 9:
			text := rapid.SampledFrom([]string{`$states.input.s`, `$states.input.o.b.c`, `$states.input.z`, `'a: b'`})
			return `$substringBefore(` + text.Draw(r, "text") + ` & $substring(` + text.Draw(r, "text") + `, 0, 3), ':')`
		default:
			return leaf.Draw(r, "leaf")
		}
	})
}

package jcs_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"orderflow/internal/platform/jcs"
	"orderflow/internal/platform/jsonschema"
)

func canonical(t testing.TB, text string) string {
	t.Helper()
	value, err := jsonschema.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return string(jcs.Append(nil, value))
}

// The example of RFC 8785, sections 3.2.2 to 3.2.4.
func TestExampleOfTheRFC(t *testing.T) {
	const text = `{
  "numbers": [333333333.33333329, 1E30, 4.50,
              2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}`
	const want = `
		7b 22 6c 69 74 65 72 61 6c 73 22 3a 5b 6e 75 6c 6c 2c 74 72 75 65 2c 66 61 6c 73 65 5d 2c 22 6e 75 6d
		62 65 72 73 22 3a 5b 33 33 33 33 33 33 33 33 33 2e 33 33 33 33 33 33 33 2c 31 65 2b 33 30 2c 34 2e 35
		2c 30 2e 30 30 32 2c 31 65 2d 32 37 5d 2c 22 73 74 72 69 6e 67 22 3a 22 e2 82 ac 24 5c 75 30 30 30 66
		5c 6e 41 27 42 5c 22 5c 5c 5c 5c 5c 22 2f 22 7d`
	bytes, err := hex.DecodeString(strings.Join(strings.Fields(want), ""))
	if err != nil {
		t.Fatal(err)
	}
	if got := canonical(t, text); got != string(bytes) {
		t.Errorf("got  %s\nwant %s", got, bytes)
	}
}

// The example of RFC 8785, section 3.2.3.
func TestMembersAreOrderedByUTF16CodeUnits(t *testing.T) {
	const text = `{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
		"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`
	want := []string{"Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign",
		"Emoji: Grinning Face",
		"Hebrew Letter Dalet With Dagesh"}
	at := -1
	for _, name := range want {
		next := strings.Index(canonical(t, text), name)
		if next <= at {
			t.Errorf("%s is out of order in %s", name, canonical(t, text))
		}
		at = next
	}
}

// The table of RFC 8785, appendix B.
func TestNumbersOfTheRFC(t *testing.T) {
	for ieee, want := range map[string]string{
		"0000000000000000": "0", "8000000000000000": "0", "0000000000000001": "5e-324", "8000000000000001": "-5e-324",
		"7fefffffffffffff": "1.7976931348623157e+308", "ffefffffffffffff": "-1.7976931348623157e+308",
		"4340000000000000": "9007199254740992", "c340000000000000": "-9007199254740992",
		"4430000000000000": "295147905179352830000",
		"44b52d02c7e14af5": "9.999999999999997e+22", "44b52d02c7e14af6": "1e+23",
		"44b52d02c7e14af7": "1.0000000000000001e+23",
		"444b1ae4d6e2ef4e": "999999999999999700000", "444b1ae4d6e2ef4f": "999999999999999900000",
		"444b1ae4d6e2ef50": "1e+21",
		"3eb0c6f7a0b5ed8c": "9.999999999999997e-7", "3eb0c6f7a0b5ed8d": "0.000001",
		"41b3de4355555553": "333333333.3333332", "41b3de4355555554": "333333333.33333325",
		"41b3de4355555555": "333333333.3333333",
		"41b3de4355555556": "333333333.3333334", "41b3de4355555557": "333333333.33333343",
		"becbf647612f3696": "-0.0000033333333333333333", "43143ff3c1cb0959": "1424953923781206.2",
	} {
		bits, err := strconv.ParseUint(ieee, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(jcs.Append(nil, math.Float64frombits(bits))); got != want {
			t.Errorf("%s: %s, want %s", ieee, got, want)
		}
	}
}

func TestEqualValuesAreEqualBytes(t *testing.T) {
	for _, same := range [][]string{
		{`{"a":7,"b":[1,{"c":"d","e":null}]}`, ` { "b" : [ 1.0 , { "e":null, "c" : "\u0064" } ] , "\u0061" : 7e0 } `},
		{`7`, `7.0`, `70e-1`, `0.7E+1`}, {`0`, `-0`, `-0.0`, `0e9`}, {`1e21`, `1000000000000000000000`},
		{`"é/<&\u2028"`, "\"\\u00e9\\/\\u003c\\u0026\u2028\""},
	} {
		for _, text := range same[1:] {
			if canonical(t, text) != canonical(t, same[0]) {
				t.Errorf("%s is %s, but %s is %s", text, canonical(t, text), same[0], canonical(t, same[0]))
			}
		}
	}
	for _, other := range [][2]string{
		{`{"a":[1,2]}`, `{"a":[2,1]}`}, {`"é"`, `"e\u0301"`}, {`1`, `"1"`}, {`{}`, `{"a":null}`},
		{`9007199254740993`, `9007199254740992`},
	} {
		if canonical(t, other[0]) == canonical(t, other[1]) {
			t.Errorf("%s and %s have the same canonical form", other[0], other[1])
		}
	}
}

func TestCanonicalFormKeepsTheValue(t *testing.T) {
	leaf := rapid.OneOf(
		rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(), rapid.Bool().AsAny(),
		rapid.Just[any](nil),
	)
	object := rapid.MapOf(rapid.String(), leaf)
	rapid.Check(t, func(t *rapid.T) {
		value := map[string]any{"list": rapid.SliceOf(leaf).Draw(t, "list")}
		for name, v := range object.Draw(t, "object") {
			value[name] = v
		}
		text := jcs.Append(nil, value)
		var got, want any
		plain, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v; %v, want %v", text, err, got, want)
		}
	})
}

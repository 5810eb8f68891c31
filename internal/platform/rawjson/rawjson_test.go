package rawjson_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"orderflow/internal/platform/rawjson"
)

func Example() {
	text := []byte(`{"orderId": "o-1", "lines": [{"sku": "a"}, 2], "paid": true}`)
	for name, value := range rawjson.Members(text) {
		fmt.Printf("%s is %s\n", name, value)
	}
	fmt.Println(rawjson.String(text, "orderId"))
	// Output:
	// "orderId" is "o-1"
	// "lines" is [{"sku": "a"}, 2]
	// "paid" is true
	// o-1
}

func TestOnlyStringsAreStrings(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"x"}`: "x", `{"a":"x","a":"y"}`: "y", `{"a":"x","a":null}`: "", `{"a":""}`: "", `{"a":1}`: "", `{"b":{"a":"x"}}`: "",
		` { "b" : [ "a" , "x" ] , "a" : "\u0078\"" } `: `x"`, `["a","x"]`: "", `"a"`: "", `null`: "", ``: "",
	} {
		if got := rawjson.String([]byte(text), "a"); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// FuzzMembersAndItems: no text panics, and those of valid JSON are the same as with encoding/json.
func FuzzMembersAndItems(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":[true,"]",{"}":null}],"c":"\\"}`, ` [ -1.5e7 , "\"," , {} , [] ] `, `{"a":1,"a":{"a":"\\\""}}`,
		`"x"`, `{"`, `["\`, `{"a"`, `[1`, `{,`, `]`, "", `{"":""}`, "{\"\xff\":\"\xff\"}", `["\ud800"]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		members, items := map[string]json.RawMessage{}, []json.RawMessage{}
		for name, value := range rawjson.Members(text) {
			members[rawjson.Text(name)] = value
		}
		for item := range rawjson.Items(text) {
			items = append(items, item)
		}
		if !json.Valid(text) {
			return
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(text, &object) != nil {
			object = nil
		}
		if len(members) != len(object) {
			t.Errorf("members %q, want %q", members, object)
		}
		for name, value := range object {
			if !bytes.Equal(members[name], value) {
				t.Errorf("%q is %s, want %s", name, members[name], value)
			}
		}
		var array []json.RawMessage
		if json.Unmarshal(text, &array) != nil {
			array = nil
		}
		if !slices.EqualFunc(items, array, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("items %s, want %s", items, array)
		}
	})
}

package eventsource

import (
	"encoding/json"
	"testing"
)

func TestFilters(t *testing.T) {
	for _, test := range []struct {
		pattern, body string
		want          bool
	}{
		{`null`, `anything`, true},
		// The Developer Guide's two examples.
		{`{"device_ID":[{"prefix":"AB"}]}`, `{"device_ID":"AB1234","session":{"duration":162}}`, true},
		{`{"device_ID":[{"prefix":"AB"}]}`, `{"device_ID":"CD1234"}`, false},
		{`[{"anything-but":["error"]}]`, `warning`, true},
		{`[{"anything-but":["error"]}]`, `error`, false},
		// Its table: a pattern of another kind than the body drops the record.
		{`["text"]`, `{"a":1}`, false},
		{`{"a":[1]}`, `text`, false},
		{`["text"]`, "\xff", false},
		// Its rules of comparison.
		{`{"a":[null]}`, `{"a":null}`, true},
		{`{"a":[null]}`, `{}`, false},
		{`{"a":[""]}`, `{"a":""}`, true},
		{`{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`, false},
		{`{"a":["x","y"]}`, `{"a":"y"}`, true},
		{`{"a":["x"]}`, `{"a":["w","x"]}`, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"y"}`, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, `{"b":"z"}`, false},
		{`{"a":[{"equals-ignore-case":"aLiCe"}]}`, `{"a":"ALICE"}`, true},
		{`{"a":[{"anything-but":["x"]}]}`, `{}`, false},
		{`{"a":[{"numeric":["=",100]}]}`, `{"a":100.0}`, true},
		{`{"a":[{"numeric":[">",10,"<=",20]}]}`, `{"a":20}`, true},
		{`{"a":[{"numeric":[">",10,"<=",20]}]}`, `{"a":10}`, false},
		{`{"a":[{"exists":true}]}`, `{"a":1}`, true},
		{`{"a":[{"exists":false}]}`, `{"a":1}`, false},
		{`{"a":[{"exists":false}]}`, `{}`, true},
		{`{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`, true},
		{`{"a":{"b":["x"]}}`, `{"a":{"b":"x"}}`, true},
		{`{"a":{"b":["x"]}}`, `{"a":"x"}`, false},
		{`{"a":[true]}`, `{"a":true}`, true},
	} {
		var pattern any
		if err := json.Unmarshal([]byte(test.pattern), &pattern); err != nil {
			t.Fatal(err)
		}
		if err := checkPattern(map[string]any{"value": pattern}); pattern != nil && err != nil {
			t.Errorf("%s: %v", test.pattern, err)
		}
		if got := matches(pattern, []byte(test.body)); got != test.want {
			t.Errorf("%s on %s: %t", test.pattern, test.body, got)
		}
	}
}

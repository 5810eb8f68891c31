package httpfile_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"orderflow/internal/dev/httpfile"
)

const collection = `# About it.
@base = http://example.com
@id = 7

### Read
# @name read
# expect 200 or 404
GET {{base}}/things/{{id}}
Accept: application/json

### Write
# A remark.
# @name write
# expect 201
POST {{base}}/things
Content-Type: application/json

{
  "id": {{id}},

  "more": "a: b"
}
`

func TestRequestsKeepTheirOrderAndGetTheirVariables(t *testing.T) {
	got, err := httpfile.Parse(collection)
	want := []httpfile.Request{
		{Name: "read", Expect: []int{200, 404}, Method: "GET", URL: "http://example.com/things/7",
			Header: http.Header{"Accept": {"application/json"}}},
		{Name: "write", Expect: []int{201}, Method: "POST", URL: "http://example.com/things",
			Header: http.Header{"Content-Type": {"application/json"}},
			Body:   "{\n  \"id\": 7,\n\n  \"more\": \"a: b\"\n}"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestFillDefinesEveryVariable(t *testing.T) {
	text, err := httpfile.Fill(collection, map[string]string{"base": "http://127.0.0.1", "id": "$8"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := httpfile.Parse(text)
	if err != nil || got[0].URL != "http://127.0.0.1/things/$8" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, values := range map[string]map[string]string{"one without a value": {"base": "x"},
		"one too many": {"base": "x", "id": "1", "other": "y"}} {
		if _, err := httpfile.Fill(collection, values); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestSyntaxOfOneEditorIsRefused(t *testing.T) {
	for name, r := range map[string][2]string{
		"dynamic variable":          {"{{id}}", "{{$uuid}}"},
		"answer of another request": {"{{id}}", "{{read.response.body.id}}"},
		"script":                    {`"a: b"` + "\n}", `"a: b"` + "\n}\n> {% %}"},
		"file":                      {"{\n  \"id\"", "< body.json\n"},
		"no header":                 {"Accept:", "Accept"}, "URL only": {"GET {{", "{{"},
		"version": {"{{id}}\nAccept", "{{id}} HTTP/1.1\nAccept"}, "words to expect": {"expect 201", "expect success"},
	} {
		if got, err := httpfile.Parse(strings.Replace(collection, r[0], r[1], 1)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

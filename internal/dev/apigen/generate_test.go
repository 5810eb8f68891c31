package apigen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOperationsAreUpToDateWithTheContract(t *testing.T) {
	spec, err := openAPI("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("../../../api/openapi.yaml"); err != nil || string(got) != string(spec) {
		t.Errorf("openapi.yaml is out of date: run `go run ./cmd/dev generate` (%v)", err)
	}
	want, err := generate(spec)
	if err != nil {
		t.Fatal(err)
	}
	present, err := filepath.Glob("../../../api/operations/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range present {
		if _, ok := want[filepath.Base(file)]; !ok {
			t.Errorf("%s has no operation: run `go run ./cmd/dev generate`", file)
		}
	}
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join("../../../api/operations", name))
		if err != nil || string(got) != string(content) {
			t.Errorf("%s is out of date: run `go run ./cmd/dev generate` (%v)", name, err)
		}
	}
}

func TestAnOperationWithoutItsKeysIsRefused(t *testing.T) {
	for paths, want := range map[string]string{
		"  /x:\n      tags: [x]\n": "outside of an operation",
		"  /x:\n    get:\n      tags: [x]\n      security: []\n      responses:\n":     "operationId",
		"  /x:\n    get:\n      operationId: x\n      tags: [x]\n      responses:\n":   "security",
		"  /x:\n    get:\n      operationId: x\n      tags: [x]\n      security: []\n": "responses",
	} {
		contract := "\nopenapi: 3.0.3\npaths:\n\n" + paths + "\ncomponents:\n"
		if _, err := complete(contract, func(string) string { return "" }); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error about %s", paths, err, want)
		}
	}
	if _, err := complete("openapi: 3.0.3\n", nil); err == nil {
		t.Error("a contract without paths was accepted")
	}
}

func TestUnenforceableSchemasAreRefused(t *testing.T) {
	const spec = `{"openapi":"3.0.3","info":{"title":"t","version":"1"},"paths":{"/x":{"post":{"operationId":"x",
		"requestBody":{"required":true,"content":{"application/json":{"schema":SCHEMA}}},"responses":{"204":{"description":"ok"}}}}}}`
	for schema, want := range map[string]string{
		`{"type":"string","format":"email"}`:                                                   "format",
		`{"type":"array","uniqueItems":true,"items":{"type":"string"}}`:                        "uniqueItems",
		`{"oneOf":[{"type":"string"}]}`:                                                        "oneOf",
		`{"type":"object"}`:                                                                    "unknown fields",
		`{"type":"object","additionalProperties":{"type":"string"}}`:                           "unknown fields",
		`{"type":"integer","minimum":0}`:                                                       "maximum",
		`{"type":"object","additionalProperties":false,"properties":{"a":{"type":"integer"}}}`: "a: an integer",
		`{"type":"array","items":{"type":"string","pattern":"(?=lookahead)"}}`:                 "error parsing regexp",
		`{"type":"string","pattern":"^x([a-z]{2,33})$"}`:                                       "repeats 33 times",
	} {
		_, err := generate([]byte(strings.Replace(spec, "SCHEMA", schema, 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error about %s", schema, err, want)
		}
	}
}

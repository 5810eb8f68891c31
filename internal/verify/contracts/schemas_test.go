package contracts_test

import (
	"strings"
	"testing"

	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/verify/contracts"
)

// published is a schema with every kind of constraint.
const published = `{
  "type": "object",
  "required": ["id", "count"],
  "properties": {
    "id": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 8},
    "count": {"type": "integer", "minimum": 1, "maximum": 9, "not": {"enum": [5]}},
    "state": {"type": "string", "enum": ["ON", "OFF"]},
    "note": {"type": "string"},
    "lines": {"type": "array", "minItems": 1, "maxItems": 4, "items": {"type": "object", "additionalProperties": false,
      "required": ["sku"], "properties": {"sku": {"type": "string"}, "size": {"type": "string"}}}}
  }
}`

func parse(t *testing.T, text string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// change replaces a text that the published schema has exactly once.
func change(t *testing.T, from, to string) *jsonschema.Schema {
	t.Helper()
	if strings.Count(published, from) != 1 {
		t.Fatalf("%q occurs %d times", from, strings.Count(published, from))
	}
	return parse(t, strings.Replace(published, from, to, 1))
}

func TestSchemaMayGainOptionalFields(t *testing.T) {
	for name, after := range map[string]*jsonschema.Schema{
		"nothing changed": parse(t, published),
		"words": change(t, `"type": "object",
  "required": ["id", "count"]`, `"title": "T", "description": "D", "type": "object", "required": ["count", "id"]`),
		"order of enum": change(t, `["ON", "OFF"]`, `["OFF", "ON"]`),
		"optional field": change(t, `"note": {"type": "string"},`, `"note": {"type": "string"},
    "more": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}},`),
	} {
		if breaks := contracts.Schemas(parse(t, published), after); len(breaks) > 0 {
			t.Errorf("%s: %q", name, breaks)
		}
	}
}

func TestEveryKindOfBreakIsFound(t *testing.T) {
	for name, c := range map[string]struct{ from, to, at string }{
		"removed property":      {`"note": {"type": "string"},`, ``, "/note: was removed"},
		"renamed property":      {`"note":`, `"remark":`, "/note: was removed"},
		"new required property": {`["id", "count"]`, `["id", "count", "note"]`, "/note: is required but not always written: messages may have been published"},
		"no longer required":    {`["id", "count"]`, `["id"]`, "/count: is required but not always written: readers"},
		"other type":            {`"note": {"type": "string"}`, `"note": {"type": "integer"}`, "/note: type"},
		"added type":            {`{"type": "string"}, "size"`, `{}, "size"`, "/lines/*/sku: type"},
		"removed value":         {`["ON", "OFF"]`, `["ON"]`, "/state: OFF may be written but is not accepted: messages may have been"},
		"added value":           {`["ON", "OFF"]`, `["ON", "OFF", "IDLE"]`, "/state: IDLE may be written but is not accepted: readers"},
		"added enum": {`"note": {"type": "string"}`, `"note": {"type": "string", "enum": ["x"]}`,
			"/note: any string may be written, only some are accepted: messages may have been"},
		"removed enum": {`, "enum": ["ON", "OFF"]`, ``, "/state: any string may be written, only some are accepted: readers"},
		"pattern":      {`^[a-z]+$`, `^[a-y]+$`, `/id: "az" may be written but is not accepted: messages may have been`},
		"added format": {`"note": {"type": "string"}`,
			`"note": {"type": "string", "format": "one-line-text"}`, "/note: format"},
		"added pattern": {`"note": {"type": "string"}`, `"note": {"type": "string", "pattern": "a"}`,
			`/note: "" may be written but is not accepted: messages may have been`},
		"longer at least": {`"minLength": 2`, `"minLength": 3`,
			`/id: "aa" may be written but is not accepted: messages may have been`},
		"shorter at least": {`"minLength": 2`, `"minLength": 1`, `/id: "a" may be written but is not accepted: readers`},
		"shorter at most": {`"maxLength": 8`, `"maxLength": 7`,
			`/id: "aaaaaaaa" may be written but is not accepted: messages may have been`},
		"longer at most": {`"maxLength": 8`, `"maxLength": 9`, `/id: "aaaaaaaaa" may be written but is not accepted: readers`},
		"no limit":       {`, "maxLength": 8`, ``, `/id: "aaaaaaaaa" may be written but is not accepted: readers`},
		"new limit": {`"note": {"type": "string"}`, `"note": {"type": "string", "maxLength": 1}`,
			"may be written but is not accepted: messages may have been"},
		"higher minimum": {`"minimum": 1`, `"minimum": 2`,
			"/count: less than the minimum may be written: messages may have been"},
		"lower minimum": {`"minimum": 1`, `"minimum": 0`, "/count: less than the minimum may be written: readers"},
		"no minimum":    {`"minimum": 1, `, ``, "/count: less than the minimum may be written: readers"},
		"lower maximum": {`"maximum": 9`, `"maximum": 8`,
			"/count: more than the maximum may be written: messages may have been"},
		"higher maximum":          {`"maximum": 9`, `"maximum": 10`, "/count: more than the maximum may be written: readers"},
		"other exception":         {`{"enum": [5]}`, `{"enum": [5, 6]}`, "/count: a forbidden value may be written: messages may have been"},
		"no exception":            {`, "not": {"enum": [5]}`, ``, "/count: a forbidden value may be written: readers"},
		"fewer lines":             {`"maxItems": 4`, `"maxItems": 3`, "/lines: more items may be written than are accepted: messages may have been"},
		"more lines at least":     {`"minItems": 1`, `"minItems": 2`, "/lines: fewer items may be written than are accepted: messages may have been"},
		"removed field of a line": {`, "size": {"type": "string"}`, ``, "/lines/*/size: was removed"},
		"new field of a closed line": {`, "size": {"type": "string"}`,
			`, "size": {"type": "string"}, "hue": {"type": "string"}`, "/lines/*/hue: may be written but is not accepted: readers"},
		"closed against other fields": {`"required": ["id", "count"]`,
			`"additionalProperties": false, "required": ["id", "count"]`, "/: other members may be written but are not accepted: messages may have been"},
	} {
		breaks := contracts.Schemas(parse(t, published), change(t, c.from, c.to))
		if len(breaks) == 0 || !strings.Contains(strings.Join(breaks, "\n"), c.at) {
			t.Errorf("%s: %q, want one with %q", name, breaks, c.at)
		}
	}
}

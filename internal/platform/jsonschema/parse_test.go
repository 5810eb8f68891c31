package jsonschema_test

import (
	"errors"
	"strings"
	"testing"

	"orderflow/internal/platform/jsonschema"
)

func TestUnsupportedSchemaIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"keyword":                  `{"type":"string","format":"email"}`,
		"keyword in a property":    `{"properties":{"a":{"oneOf":[]}}}`,
		"keyword in items":         `{"items":{"uniqueItems":true}}`,
		"keyword in not":           `{"not":{"const":0}}`,
		"type":                     `{"type":"number"}`,
		"type in a property":       `{"properties":{"a":{"type":"null"}}}`,
		"type in items":            `{"items":{"type":"null"}}`,
		"types":                    `{"type":["string","integer"]}`,
		"fraction as a limit":      `{"minimum":0.5}`,
		"fraction in enum":         `{"enum":[0.5]}`,
		"null in enum":             `{"enum":[null]}`,
		"object in enum":           `{"enum":[{}]}`,
		"schema for other fields":  `{"additionalProperties":{"type":"string"}}`,
		"pattern of another kind":  `{"pattern":"(?=a)"}`,
		"pattern not a string":     `{"pattern":1}`,
		"null as a property":       `{"properties":{"a":null}}`,
		"boolean schema":           `true`,
		"null":                     `null`,
		"nothing":                  ``,
		"text after the schema":    `{} {}`,
		"reference":                `{"$ref":"#/x"}`,
		"definitions":              `{"$defs":{}}`,
		"dependent on other field": `{"dependentRequired":{}}`,
	} {
		if s, err := jsonschema.Parse([]byte(text)); err == nil {
			t.Errorf("%s: %s was accepted: %+v", name, text, s)
		}
	}
}

func TestAnnotationsAreIgnored(t *testing.T) {
	const dialect = "https://json-schema.org/draft/2020-12/schema"
	s, err := jsonschema.Parse([]byte(`{"$schema":"` + dialect + `","title":"t","description":"d"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`null`, `true`, `1.5`, `"x"`, `[]`, `{}`} {
		if err := s.Validate([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestKeywordsApplyToTheirOwnTypeOnly(t *testing.T) {
	s, err := jsonschema.Parse([]byte(`{"minLength":2,"minimum":2,"minItems":2,"required":["a"],"pattern":"^x"}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{
		`"x"`: false, `"xx"`: true, `"yy"`: false, `1`: false, `1.5`: false, `2.5`: true, `[1]`: false, `[1,2]`: true,
		`{}`: false, `{"a":1}`: true, `true`: true, `null`: true,
	} {
		if err := s.Validate([]byte(text)); (err == nil) != ok {
			t.Errorf("%s: %v, want valid: %t", text, err, ok)
		}
	}
}

func TestAmbiguousTextIsRefused(t *testing.T) {
	s := &jsonschema.Schema{}
	for _, text := range []string{
		``, `{`, `{"a":1,"a":2}`, `{} {}`, "\"\xff\"", `1e400`, `"\ud800"`, `"\udc00"`, `"a\uD83Db"`, `{"\ud800":1}`,
		`["\ud83d\u0041"]`, `"\ude00\ud83d"`, `"\\\ud800"`, strings.Repeat("[", 40) + strings.Repeat("]", 40),
	} {
		var invalid *jsonschema.Invalid
		err := s.Validate([]byte(text))
		if !errors.As(err, &invalid) || len(invalid.Violations) != 1 || invalid.Violations[0].Pointer != "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPairedSurrogatesAreOneCharacter(t *testing.T) {
	for text, want := range map[string]string{
		`"\ud83d\ude00"`: "😀", `"\uD83D\uDE00!"`: "😀!", `"\\ud800"`: `\ud800`, `"\\\\ud800"`: `\\ud800`,
		`"\u0041\n\""`: "A\n\"", "\"\ufffd\"": "\ufffd",
	} {
		if got, err := jsonschema.Decode([]byte(text)); got != want || err != nil {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestFormatIsEnforced(t *testing.T) {
	for format, texts := range map[string]map[string]bool{
		"one-line-text": {
			"Ada": true, "山田": true, "می\u200cخواهم": true, "": false, "\u00a0": false, "A\u202eb": false,
			"A\u2028b": false, "A\u0085b": false, "A\u009bb": false, "A\u200bb": false,
			"pay by 4111 1111 1111 1111": false, "EAN 4006381333931": true,
		},
		"no-card-number": {"pm_card_visa": true, "": true, "4111111111111111": false, "4222222222222": false,
			"4111111111111112": true},
		"sku": {"MUG-BLUE": true, "4222222222222": true, "4111111111111111": false},
	} {
		s, err := jsonschema.Parse([]byte(`{"type":"string","format":"` + format + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		for text, ok := range texts {
			found := &jsonschema.Invalid{}
			if s.Check("/x", text, found); (len(found.Violations) == 0) != ok {
				t.Errorf("%s %+q: %v, want valid: %t", format, text, found, ok)
			}
			if text != "" && strings.Contains(found.Error(), text) {
				t.Errorf("%s %+q is quoted: %v", format, text, found)
			}
		}
	}
}

func TestCardNumberInAFieldNameIsMasked(t *testing.T) {
	s, err := jsonschema.Parse([]byte(`{"type":"object","additionalProperties":false}`))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Validate([]byte(`{"card 4111 1111 1111 1111":1}`))
	if err == nil || strings.Contains(err.Error(), "1111") {
		t.Errorf("got %v", err)
	}
}

func TestTypeIsEnforced(t *testing.T) {
	good := map[string]string{"string": `"x"`, "integer": `1`, "boolean": `true`, "array": `[]`, "object": `{}`}
	for name := range good {
		s, err := jsonschema.Parse([]byte(`{"type":"` + name + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		for other, text := range good {
			if err := s.Validate([]byte(text)); (err == nil) != (name == other) {
				t.Errorf("%s as %s: %v", text, name, err)
			}
		}
	}
}

func TestMalformedTextIsRefused(t *testing.T) {
	s := &jsonschema.Schema{}
	for _, text := range []string{`[1,`, `{"a"`, `{"a":`, `{"a":1,`, `{1:2}`, `[1}`, `{"a":1]`, `[1 2]`} {
		var invalid *jsonschema.Invalid
		if err := s.Validate([]byte(text)); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

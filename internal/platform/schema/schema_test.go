package schema_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/schema"
)

const brewed, spilt = "orderflow.tea.pot.brewed.v1", "orderflow.tea.pot.spilt.v1"

var files = fstest.MapFS{
	brewed + ".schema.json": {Data: []byte(`{"type":"object","required":["cups"],"properties":{
		"cups":{"type":"integer","minimum":1}, "for":{"type":"string","pattern":"^.+@.+$"},
		"pot":{"type":"string","pattern":"^[a-z]+$"}}}`)},
	spilt + ".schema.json": {Data: []byte(`{"type":"object"}`)},
	"README.md":            {Data: []byte("not a schema")},
}

func event(eventType, data string) envelope.Event {
	return envelope.Event{Type: eventType, Data: json.RawMessage(data)}
}

func TestEventIsValidatedAgainstTheSchemaOfItsType(t *testing.T) {
	set := load(t)
	for data, ok := range map[string]bool{
		`{"cups":1}`: true, `{"cups":2.0,"for":"a@example.com"}`: true, `{"cups":1,"added":"later"}`: true,
		`{}`: false, `{"cups":0}`: false, `{"cups":"1"}`: false, `{"cups":1.5}`: false,
		`{"cups":1,"for":"nobody"}`: false, `null`: false, `{`: false,
	} {
		err := set.Validate(event(brewed, data))
		if (err == nil) != ok || !ok && (!errors.Is(err, schema.ErrInvalid) || fault.KindOf(err) != fault.Invalid) {
			t.Errorf("Validate(%s) = %v; want valid: %v", data, err, ok)
		}
	}
}

func TestErrorNamesFieldAndRuleButNotTheValue(t *testing.T) {
	for data, want := range map[string]string{
		`{"cups":1,"for":"Jane Doe"}`: `"/for" must match the pattern ^.+@.+$`,
		`{"cups":1,"pot":"Jane Doe"}`: `"/pot" must match the pattern ^[a-z]+$`,
		`{"cups":"Jane Doe"}`:         `"/cups" must be of type integer`,
	} {
		err := load(t).Validate(event(brewed, data))
		if err == nil || strings.Contains(err.Error(), "Jane") || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate(%s) = %v; want %q without the value", data, err, want)
		}
	}
}

func TestTypeWithoutASchemaIsRefused(t *testing.T) {
	set := schema.Load(files, spilt)
	if err := set.Validate(event(brewed, `{"cups":1}`)); !errors.Is(err, schema.ErrInvalid) {
		t.Errorf("error = %v, want ErrInvalid", err)
	}
}

func TestMergeHasTheTypesOfAllSets(t *testing.T) {
	a := schema.Load(files, brewed)
	b := schema.Load(files, spilt)
	all := schema.Merge(a, b)
	if len(all) != 2 || all.Validate(event(spilt, `{}`)) != nil || all.Validate(event(brewed, `{}`)) == nil {
		t.Errorf("merged set has %d types", len(all))
	}
}

func TestBrokenSchemaIsFoundByCheckAndIsNotErrInvalid(t *testing.T) {
	if err := load(t).Check(); err != nil {
		t.Errorf("good schemas: %v", err)
	}
	for name, file := range map[string]string{"not JSON": `{`, "not a schema": `{"type":"teapot"}`,
		"not enforced": `{"$ref":"#/nowhere"}`} {
		set := schema.Load(fstest.MapFS{"x.schema.json": {Data: []byte(file)}})
		for range 2 {
			if err := set.Validate(event("x", `{}`)); err == nil || errors.Is(err, schema.ErrInvalid) {
				t.Errorf("%s: Validate = %v; want an error other than ErrInvalid", name, err)
			}
		}
		if err := set.Check(); err == nil || !strings.Contains(err.Error(), "schema of x") {
			t.Errorf("%s: Check = %v", name, err)
		}
	}
}

func TestTypeWithoutAFileIsBroken(t *testing.T) {
	if err := schema.Load(files, "orderflow.tea.pot.lost.v1").Check(); err == nil {
		t.Error("no error")
	}
}

func load(t *testing.T) schema.Set {
	t.Helper()
	set := schema.Load(files)
	if len(set) != 2 {
		t.Fatalf("Load: %d types; want 2", len(set))
	}
	return set
}

package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
)

// Pattern is a regular expression, compiled once when its schema is read.
type Pattern struct{ *regexp.Regexp }

// UnmarshalJSON compiles the expression.
func (p *Pattern) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	re, err := regexp.Compile(s)
	p.Regexp = re
	return err
}

// types that the validator knows. A number that may have a fraction is missing: no contract has one.
var types = []string{"", "string", "integer", "boolean", "array", "object"}

// document is a whole schema with what says nothing about what is valid.
type document struct {
	Dialect     string `json:"$schema"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Schema
}

// Parse reads a schema. It fails for one with a keyword, or a use of one, that Check would not enforce.
func Parse(text []byte) (*Schema, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc *document
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); doc == nil || !errors.Is(err, io.EOF) {
		return nil, errors.New("is not one schema")
	}
	return &doc.Schema, doc.known()
}

func (s *Schema) known() error {
	if s == nil {
		return errors.New("a schema is null")
	}
	if !slices.Contains(types, s.Type) {
		return fmt.Errorf("type %s is not supported", s.Type)
	}
	if !s.Format.Known() {
		return fmt.Errorf("format %s is not supported", s.Format)
	}
	for _, allowed := range s.Enum {
		switch v := allowed.(type) {
		case string:
		case float64:
			if v != float64(int64(v)) {
				return fmt.Errorf("enum value %v is not supported", v)
			}
		default:
			return fmt.Errorf("enum value %v is not supported", v)
		}
	}
	for name, property := range s.Properties {
		if err := property.known(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, inner := range []*Schema{s.Items, s.Not} {
		if inner != nil {
			if err := inner.known(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Validate holds a JSON text to the schema. The error is an *Invalid, which never repeats what the text says.
func (s *Schema) Validate(text []byte) error {
	found := &Invalid{}
	value, err := Decode(text)
	if err != nil {
		found.Add("", "%s", err)
		return found
	}
	if s.Check("", value, found); len(found.Violations) > 0 {
		return found
	}
	return nil
}

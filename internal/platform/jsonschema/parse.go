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

// Pattern is a regular expression, compiled when its schema is parsed.
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

// types are the supported types. No contract uses "number" or "null".
var types = []string{"", "string", "integer", "boolean", "array", "object"}

// document is a schema with its annotations, which do not affect validation.
type document struct {
	Dialect     string `json:"$schema"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Schema
}

// Parse parses a schema. It fails if the schema has a keyword or value that Check does not enforce.
func Parse(text []byte) (*Schema, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc *document
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); doc == nil || !errors.Is(err, io.EOF) {
		return nil, errors.New("must be exactly one schema")
	}
	return &doc.Schema, doc.supported()
}

func (s *Schema) supported() error {
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
		if err := property.supported(); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, inner := range []*Schema{s.Items, s.Not} {
		if inner != nil {
			if err := inner.supported(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Validate checks a JSON text. The error is an *Invalid, which never quotes the text.
func (s *Schema) Validate(text []byte) error {
	found := &Invalid{}
	value, err := Decode(text)
	if err != nil {
		found.Add(Malformed, "", "%s", err)
		return found
	}
	if s.Check("", value, found); len(found.Violations) > 0 {
		return found
	}
	return nil
}

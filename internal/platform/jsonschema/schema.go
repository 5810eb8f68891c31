// Package jsonschema validates requests (package api) and events (package schema) against the part
// of JSON Schema that our contracts use. A schema with anything else is refused.
//
// A library would start too slowly: its package initialisation alone takes several times as long as
// a hello-world function's start (ADR 16). The tests use libraries as oracles.
package jsonschema

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Schema is a schema. Its zero value accepts everything. It is safe for concurrent use.
type Schema struct {
	Type string `json:"type,omitempty"`
	// Nullable also accepts null (OpenAPI 3.0).
	Nullable bool `json:"nullable,omitempty"`

	Properties           map[string]*Schema `json:"properties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	AdditionalProperties *bool              `json:"additionalProperties,omitempty"`

	Items    *Schema `json:"items,omitempty"`
	MinItems int     `json:"minItems,omitempty"`
	MaxItems *int    `json:"maxItems,omitempty"`

	// Lengths are in Unicode code points.
	MinLength int      `json:"minLength,omitempty"`
	MaxLength *int     `json:"maxLength,omitempty"`
	Pattern   *Pattern `json:"pattern,omitempty"`
	Format    Format   `json:"format,omitempty"`

	Minimum *int64 `json:"minimum,omitempty"`
	Maximum *int64 `json:"maximum,omitempty"`

	// Enum lists the allowed strings or integers.
	Enum []any   `json:"enum,omitempty"`
	Not  *Schema `json:"not,omitempty"`
}

// Check adds the violations of value, a result of Decode that is at pointer, to found.
func (s *Schema) Check(pointer string, value any, found *Invalid) {
	s.check(&place{token: pointer}, value, found)
}

func (s *Schema) check(at *place, value any, found *Invalid) {
	if !s.isType(value) {
		found.add(WrongType, at, "must be of type %s", s.Type)
		return
	}
	switch v := value.(type) {
	case string:
		s.checkString(at, v, found)
	case int64, float64:
		s.checkNumber(at, v, found)
	case []any:
		s.checkArray(at, v, found)
	case map[string]any:
		s.checkObject(at, v, found)
	}
	if s.Not != nil {
		refused := &Invalid{}
		if s.Not.check(at, value, refused); len(refused.Violations) == 0 {
			found.add(NotAllowed, at, "must not be %s", list(s.Not.Enum))
		}
	}
	if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(allowed any) bool { return same(allowed, value) }) {
		if len(s.Enum) > 10 {
			found.add(NotAllowed, at, "is not one of the values that the contract lists")
		} else {
			found.add(NotAllowed, at, "must be one of %s", list(s.Enum))
		}
	}
}

func (s *Schema) isType(value any) bool {
	if value == nil && s.Nullable {
		return true
	}
	ok := true
	switch s.Type {
	case "string":
		_, ok = value.(string)
	case "integer":
		switch v := value.(type) {
		case int64:
		case float64:
			ok = v == math.Trunc(v)
		default:
			ok = false
		}
	case "boolean":
		_, ok = value.(bool)
	case "array":
		_, ok = value.([]any)
	case "object":
		_, ok = value.(map[string]any)
	}
	return ok
}

func (s *Schema) checkString(at *place, v string, found *Invalid) {
	switch n := utf8.RuneCountInString(v); {
	case n < s.MinLength:
		found.add(TooShort, at, "must have at least %d characters", s.MinLength)
	case s.MaxLength != nil && n > *s.MaxLength:
		found.add(TooLong, at, "must have at most %d characters", *s.MaxLength)
	case s.Pattern != nil && !s.Pattern.MatchString(v):
		found.add(WrongFormat, at, "must match the pattern %s", s.Pattern)
	default:
		s.Format.check(at, v, found)
	}
}

func (s *Schema) checkNumber(at *place, value any, found *Invalid) {
	if s.Minimum != nil && compare(value, *s.Minimum) < 0 {
		found.add(TooSmall, at, "must be at least %d", *s.Minimum)
	}
	if s.Maximum != nil && compare(value, *s.Maximum) > 0 {
		found.add(TooLarge, at, "must be at most %d", *s.Maximum)
	}
}

func (s *Schema) checkArray(at *place, v []any, found *Invalid) {
	if len(v) < s.MinItems {
		found.add(TooFew, at, "must have at least %d items", s.MinItems)
	}
	if s.MaxItems != nil && len(v) > *s.MaxItems {
		found.add(TooMany, at, "must have at most %d items", *s.MaxItems)
		return
	}
	for i, item := range v {
		if s.Items != nil {
			s.Items.check(&place{at, strconv.Itoa(i)}, item, found)
		}
	}
}

func (s *Schema) checkObject(at *place, v map[string]any, found *Invalid) {
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			found.add(Missing, &place{at, name}, "is required")
		}
	}
	names := slices.AppendSeq(make([]string, 0, len(v)), maps.Keys(v))
	slices.Sort(names)
	for _, name := range names {
		field := &place{at, name}
		if property, ok := s.Properties[name]; ok {
			property.check(field, v[name], found)
		} else if s.AdditionalProperties != nil && !*s.AdditionalProperties {
			found.add(Unknown, field, "is not a field of the contract")
		}
	}
}

// compare compares a number from Decode with a limit.
func compare(number any, limit int64) int {
	if n, ok := number.(int64); ok {
		return cmp.Compare(n, limit)
	}
	return cmp.Compare(number.(float64), float64(limit))
}

// same compares a value of an enum, decoded by encoding/json, with a value from Decode.
func same(allowed, value any) bool {
	if f, ok := allowed.(float64); ok {
		n, ok := value.(int64)
		return ok && float64(n) == f
	}
	return allowed == value
}

func list(values []any) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = fmt.Sprint(v)
	}
	return strings.Join(texts, ", ")
}

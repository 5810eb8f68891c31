package contracts

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"orderflow/internal/platform/jsonschema"
)

// Schemas returns the breaking changes between two schemas of an event type or a step. Narrower is
// a break because events published under the old schema must stay readable; wider, because
// consumers validate with the schema they know.
func Schemas(before, after *jsonschema.Schema) []string {
	var c comparison
	c.schemas("", before, after)
	return c.breaks
}

type comparison struct{ breaks []string }

func (c *comparison) add(at, format string, args ...any) {
	if at == "" {
		at = "/"
	}
	c.breaks = append(c.breaks, at+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) schemas(at string, before, after *jsonschema.Schema) {
	if before == nil || after == nil {
		if before != after {
			c.add(at, "a constraint was added or removed")
		}
		return
	}
	if before.Type != after.Type {
		c.add(at, "type was %q, is %q", before.Type, after.Type)
		return
	}
	c.required(at, before, after)
	c.properties(at, before, after)
	c.enums(at, before.Enum, after.Enum)
	if was, is := shown(before.Pattern), shown(after.Pattern); was != is {
		c.add(at, "pattern was %s, is %s", was, is)
	}
	if before.Format != after.Format {
		c.add(at, "format was %q, is %q", before.Format, after.Format)
	}
	bound(c, at, "minLength", &before.MinLength, &after.MinLength, true)
	bound(c, at, "minItems", &before.MinItems, &after.MinItems, true)
	bound(c, at, "maxLength", before.MaxLength, after.MaxLength, false)
	bound(c, at, "maxItems", before.MaxItems, after.MaxItems, false)
	bound(c, at, "minimum", before.Minimum, after.Minimum, true)
	bound(c, at, "maximum", before.Maximum, after.Maximum, false)
	if before.Items != nil || after.Items != nil {
		c.schemas(at+"/-", before.Items, after.Items)
	}
	if before.Not != nil || after.Not != nil {
		c.schemas(at+" (not)", before.Not, after.Not)
	}
}

func (c *comparison) required(at string, before, after *jsonschema.Schema) {
	for _, name := range missing(before.Required, after.Required) {
		c.add(at+"/"+name, "is required now, but older messages lack it")
	}
	for _, name := range missing(after.Required, before.Required) {
		c.add(at+"/"+name, "is no longer required, but readers rely on it")
	}
}

func (c *comparison) properties(at string, before, after *jsonschema.Schema) {
	if open(before) && !open(after) {
		c.add(at, "accepts no further fields now, but older messages may have some")
	}
	for _, name := range slices.Sorted(maps.Keys(before.Properties)) {
		if p, ok := after.Properties[name]; ok {
			c.schemas(at+"/"+name, before.Properties[name], p)
		} else {
			c.add(at+"/"+name, "was removed or renamed")
		}
	}
	for name := range after.Properties {
		if _, old := before.Properties[name]; !old && !open(before) {
			c.add(at+"/"+name, "is new, but readers refuse unknown fields")
		}
	}
}

func open(s *jsonschema.Schema) bool { return s.AdditionalProperties == nil || *s.AdditionalProperties }

func (c *comparison) enums(at string, before, after []any) {
	if (before == nil) != (after == nil) {
		c.add(at, "enum was %v, is %v", before, after)
		return
	}
	for _, v := range missing(after, before) {
		c.add(at, "may no longer be %v", v)
	}
	for _, v := range missing(before, after) {
		c.add(at, "may now be %v, which consumers refuse", v)
	}
}

// missing returns the items of all that some lacks; they are strings and integers.
func missing[T comparable](some, all []T) []T {
	return slices.DeleteFunc(slices.Clone(all), func(v T) bool { return slices.Contains(some, v) })
}

// bound compares a lower or an upper limit.
func bound[N int | int64](c *comparison, at, keyword string, before, after *N, lower bool) {
	if reflect.DeepEqual(before, after) {
		return
	}
	narrower := before == nil || after != nil && (*after > *before) == lower
	effect := "consumers refuse values beyond the old limit"
	if narrower {
		effect = "events already published may exceed the new limit"
	}
	c.add(at, "%s was %s, is %s: %s", keyword, shown(before), shown(after), effect)
}

func shown[T any](v *T) string {
	if v == nil {
		return "none"
	}
	return fmt.Sprint(*v)
}

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
	if was, is := expression(before.Pattern), expression(after.Pattern); was != is {
		c.add(at, "pattern was %s, is %s", was, is)
	}
	if before.Format != after.Format {
		c.add(at, "format was %q, is %q", before.Format, after.Format)
	}
	c.least(at, "minLength", int64(before.MinLength), int64(after.MinLength))
	c.least(at, "minItems", int64(before.MinItems), int64(after.MinItems))
	c.bound(at, "maxLength", wide(before.MaxLength), wide(after.MaxLength), false)
	c.bound(at, "maxItems", wide(before.MaxItems), wide(after.MaxItems), false)
	c.bound(at, "minimum", before.Minimum, after.Minimum, true)
	c.bound(at, "maximum", before.Maximum, after.Maximum, false)
	if before.Items != nil || after.Items != nil {
		c.schemas(at+"/-", before.Items, after.Items)
	}
	if before.Not != nil || after.Not != nil {
		c.schemas(at+" (not)", before.Not, after.Not)
	}
}

func (c *comparison) required(at string, before, after *jsonschema.Schema) {
	for _, name := range after.Required {
		if !slices.Contains(before.Required, name) {
			c.add(at+"/"+name, "is required now, but older messages lack it")
		}
	}
	for _, name := range before.Required {
		if !slices.Contains(after.Required, name) {
			c.add(at+"/"+name, "is no longer required, but readers rely on it")
		}
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
	for _, v := range before {
		if !slices.ContainsFunc(after, func(w any) bool { return reflect.DeepEqual(v, w) }) {
			c.add(at, "may no longer be %v", v)
		}
	}
	for _, v := range after {
		if !slices.ContainsFunc(before, func(w any) bool { return reflect.DeepEqual(v, w) }) {
			c.add(at, "may now be %v, which consumers refuse", v)
		}
	}
}

func (c *comparison) least(at, keyword string, before, after int64) {
	c.bound(at, keyword, &before, &after, true)
}

// bound compares a lower or an upper limit.
func (c *comparison) bound(at, keyword string, before, after *int64, lower bool) {
	if reflect.DeepEqual(before, after) {
		return
	}
	narrower := before == nil || after != nil && (*after > *before) == lower
	effect := "consumers refuse values beyond the old limit"
	if narrower {
		effect = "events already published may exceed the new limit"
	}
	c.add(at, "%s was %s, is %s: %s", keyword, limit(before), limit(after), effect)
}

func expression(p *jsonschema.Pattern) string {
	if p == nil {
		return "none"
	}
	return p.String()
}

func limit(n *int64) string {
	if n == nil {
		return "none"
	}
	return fmt.Sprint(*n)
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	w := int64(*n)
	return &w
}

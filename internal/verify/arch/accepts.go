package arch

import (
	"fmt"
	"reflect"

	"orderflow/internal/platform/jsonschema"
)

// refusals lists values that one schema allows to be written and another does not accept, with
// their paths.
func refusals(at string, written, taken *jsonschema.Schema) []string {
	var bad list
	switch {
	case written == nil || taken == nil || reflect.DeepEqual(written, taken):
		return nil
	case len(written.Enum) > 0:
		for _, v := range written.Enum {
			found := &jsonschema.Invalid{}
			taken.Check("", v, found)
			bad.unless(len(found.Violations) == 0, "%s: %v may be written but is not accepted", at, v)
		}
		return bad
	}
	bad.unless(taken.Type == "" || taken.Type == written.Type,
		"%s: %s is written, %s is accepted", at, written.Type, taken.Type)
	bad.unless(len(taken.Enum) == 0, "%s: any %s may be written, only some are accepted", at, written.Type)
	bad.unless(taken.Not == nil || reflect.DeepEqual(taken.Not, written.Not),
		"%s: a forbidden value may be written", at)
	switch written.Type {
	case "string":
		bad = append(bad, textRefusals(at, written, taken)...)
	case "integer":
		bad.unless(taken.Minimum == nil || written.Minimum != nil && *written.Minimum >= *taken.Minimum,
			"%s: less than the minimum may be written", at)
		bad.unless(taken.Maximum == nil || written.Maximum != nil && *written.Maximum <= *taken.Maximum,
			"%s: more than the maximum may be written", at)
	case "array":
		bad.unless(written.MinItems >= taken.MinItems, "%s: fewer items may be written than are accepted", at)
		bad.unless(within(written.MaxItems, taken.MaxItems), "%s: more items may be written than are accepted", at)
		bad = append(bad, refusals(at+"/*", written.Items, taken.Items)...)
	case "object":
		bad = append(bad, memberRefusals(at, written, taken)...)
	}
	return bad
}

func memberRefusals(at string, written, taken *jsonschema.Schema) []string {
	var bad list
	always := map[string]bool{}
	for _, name := range written.Required {
		always[name] = true
	}
	for _, name := range taken.Required {
		bad.unless(always[name], "%s/%s is required but not always written", at, name)
	}
	for _, name := range keys(written.Properties) {
		property, known := taken.Properties[name]
		open := taken.AdditionalProperties == nil || *taken.AdditionalProperties
		bad.unless(known || open, "%s/%s may be written but is not accepted", at, name)
		bad = append(bad, refusals(at+"/"+name, written.Properties[name], property)...)
	}
	return bad
}

func textRefusals(at string, written, taken *jsonschema.Schema) []string {
	var bad list
	shortest, longest := written.MinLength, -1
	pattern := ""
	if written.Pattern != nil {
		pattern = written.Pattern.String()
		var s int
		s, longest = lengths(pattern)
		shortest = max(shortest, s)
	}
	if written.MaxLength != nil && (longest < 0 || *written.MaxLength < longest) {
		longest = *written.MaxLength
	}
	bad.unless(shortest >= taken.MinLength,
		"%s: %d characters may be written, at least %d are accepted", at, shortest, taken.MinLength)
	bad.unless(taken.MaxLength == nil || longest >= 0 && longest <= *taken.MaxLength,
		"%s: more characters may be written than the accepted %s", at, bound(taken.MaxLength))
	if taken.Pattern == nil || taken.Pattern.String() == pattern {
		return bad
	}
	witness, found, err := outside(pattern, taken.Pattern.String(), written.MinLength)
	bad.unless(err == nil, "%s: %v: %s and %s", at, err, pattern, taken.Pattern)
	bad.unless(!found, "%s: %q may be written but does not match %s", at, witness, taken.Pattern)
	return bad
}

func within(n, limit *int) bool { return limit == nil || n != nil && *n <= *limit }

func bound(n *int) string {
	if n == nil {
		return "any"
	}
	return fmt.Sprint(*n)
}

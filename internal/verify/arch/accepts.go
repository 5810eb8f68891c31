package arch

import (
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
		witness, found, err := outside(texted(written), texted(taken))
		bad.unless(err == nil, "%s: %v", at, err)
		bad.unless(!found, "%s: %.60q may be written but is not accepted", at, witness)
	case "integer":
		bad.unless(taken.Minimum == nil || written.Minimum != nil && *written.Minimum >= *taken.Minimum,
			"%s: less than the minimum may be written", at)
		bad.unless(taken.Maximum == nil || written.Maximum != nil && *written.Maximum <= *taken.Maximum,
			"%s: more than the maximum may be written", at)
	case "array":
		bad.unless(written.MinItems >= taken.MinItems, "%s: fewer items may be written than are accepted", at)
		bad.unless(taken.MaxItems == nil || written.MaxItems != nil && *written.MaxItems <= *taken.MaxItems,
			"%s: more items may be written than are accepted", at)
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

// texted is the language of a schema for texts.
func texted(s *jsonschema.Schema) language {
	l := language{min: s.MinLength, max: s.MaxLength}
	if s.Pattern != nil {
		l.pattern = s.Pattern.String()
	}
	return l
}

package contracts

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"orderflow/internal/platform/jsonschema"
)

// Refusals lists values that one schema allows to be written and another does not accept, with
// their paths.
func Refusals(at string, written, taken *jsonschema.Schema) []string {
	var r refusals
	r.schemas(at, written, taken)
	return r
}

type refusals []string

func (r *refusals) unless(ok bool, at, format string, args ...any) {
	if !ok {
		*r = append(*r, cmp.Or(at, "/")+": "+fmt.Sprintf(format, args...))
	}
}

func (r *refusals) schemas(at string, written, taken *jsonschema.Schema) {
	switch {
	case written == nil || taken == nil || reflect.DeepEqual(written, taken):
		return
	case len(written.Enum) > 0:
		for _, v := range written.Enum {
			found := &jsonschema.Invalid{}
			taken.Check("", v, found)
			r.unless(len(found.Violations) == 0, at, "%v may be written but is not accepted", v)
		}
		return
	}
	r.unless(taken.Type == "" || taken.Type == written.Type, at, "type %q is written, %q is accepted",
		written.Type, taken.Type)
	r.unless(len(taken.Enum) == 0, at, "any %s may be written, only some are accepted", written.Type)
	r.unless(taken.Format == "" || taken.Format == written.Format, at, "format %q is written, %q is accepted",
		written.Format, taken.Format)
	r.unless(taken.Not == nil || reflect.DeepEqual(taken.Not, written.Not), at, "a forbidden value may be written")
	switch written.Type {
	case "string":
		witness, found, err := outside(languageOf(written), languageOf(taken))
		r.unless(err == nil, at, "%v", err)
		r.unless(!found, at, "%.60q may be written but is not accepted", witness)
	case "integer":
		r.unless(taken.Minimum == nil || written.Minimum != nil && *written.Minimum >= *taken.Minimum,
			at, "less than the minimum may be written")
		r.unless(taken.Maximum == nil || written.Maximum != nil && *written.Maximum <= *taken.Maximum,
			at, "more than the maximum may be written")
	case "array":
		r.unless(written.MinItems >= taken.MinItems, at, "fewer items may be written than are accepted")
		r.unless(taken.MaxItems == nil || written.MaxItems != nil && *written.MaxItems <= *taken.MaxItems,
			at, "more items may be written than are accepted")
		r.schemas(at+"/*", written.Items, taken.Items)
	case "object":
		r.members(at, written, taken)
	}
}

func (r *refusals) members(at string, written, taken *jsonschema.Schema) {
	for _, name := range taken.Required {
		r.unless(slices.Contains(written.Required, name), at+"/"+name, "is required but not always written")
	}
	r.unless(open(taken) || !open(written), at, "other members may be written but are not accepted")
	for _, name := range slices.Sorted(maps.Keys(written.Properties)) {
		property, known := taken.Properties[name]
		r.unless(known || open(taken), at+"/"+name, "may be written but is not accepted")
		r.schemas(at+"/"+name, written.Properties[name], property)
	}
}

func open(s *jsonschema.Schema) bool { return s.AdditionalProperties == nil || *s.AdditionalProperties }

// languageOf is the language of a schema for texts.
func languageOf(s *jsonschema.Schema) language {
	l := language{min: s.MinLength, max: s.MaxLength}
	if s.Pattern != nil {
		l.pattern = s.Pattern.String()
	}
	return l
}

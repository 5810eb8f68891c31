package contracts

import (
	"maps"
	"slices"

	"orderflow/internal/platform/jsonschema"
)

// Schemas returns the breaking changes between two schemas of an event type or a step. Narrower is
// a break because messages published under the old schema must stay readable; wider, because
// readers validate with the schema that they know. Removing a member is a break, since readers may
// rely on it.
func Schemas(before, after *jsonschema.Schema) []string {
	breaks := removed("", before, after)
	for _, r := range Refusals("", before, after) {
		breaks = append(breaks, r+": messages may have been published that are refused now")
	}
	for _, r := range Refusals("", after, before) {
		breaks = append(breaks, r+": readers of the release would refuse what may be published now")
	}
	return breaks
}

// removed lists the removed members.
func removed(at string, before, after *jsonschema.Schema) (gone []string) {
	if before == nil || after == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(before.Properties)) {
		member := at + "/" + name
		if after.Properties[name] == nil {
			gone = append(gone, member+": was removed or renamed")
		}
		gone = append(gone, removed(member, before.Properties[name], after.Properties[name])...)
	}
	return append(gone, removed(at+"/*", before.Items, after.Items)...)
}

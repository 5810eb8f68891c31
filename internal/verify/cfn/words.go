package cfn

import (
	"strings"
	"unicode"
)

// LogicalID is what a template calls a thing of the source tree: PlaceOrder for place-order.
func LogicalID(name string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		if word != "" {
			id.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return id.String()
}

// Directory is the inverse of LogicalID: place-order for PlaceOrder.
func Directory(id string) string {
	var name strings.Builder
	for i, r := range id {
		if unicode.IsUpper(r) && i > 0 {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}

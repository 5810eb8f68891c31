package cfn

import (
	"strings"
	"unicode"
)

// LogicalID converts a directory's name to a logical id: place-order to PlaceOrder.
func LogicalID(name string) string {
	var id strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		if word != "" {
			id.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return id.String()
}

// Directory is the inverse of LogicalID: PlaceOrder to place-order.
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

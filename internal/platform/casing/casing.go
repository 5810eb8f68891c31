// Package casing turns the names of the source tree into those of templates and state machines, and
// back.
package casing

import (
	"strings"
	"unicode"
)

// Camel turns place-order, and placeOrder, into PlaceOrder.
func Camel(name string) string {
	var camel strings.Builder
	for word := range strings.SplitSeq(name, "-") {
		if word != "" {
			camel.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return camel.String()
}

// LowerCamel turns place-order, and PlaceOrder, into placeOrder.
func LowerCamel(name string) string {
	camel := Camel(name)
	return strings.ToLower(camel[:min(1, len(camel))]) + camel[min(1, len(camel)):]
}

// Kebab turns PlaceOrder into place-order.
func Kebab(name string) string {
	var kebab strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			kebab.WriteByte('-')
		}
		kebab.WriteRune(unicode.ToLower(r))
	}
	return kebab.String()
}

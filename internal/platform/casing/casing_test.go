package casing_test

import (
	"testing"
	"unicode"

	"orderflow/internal/platform/casing"
)

func TestCamelAndKebabAreInverse(t *testing.T) {
	for kebab, camel := range map[string]string{
		"place-order": "PlaceOrder", "get-order-summary": "GetOrderSummary", "": "",
	} {
		if got := casing.Camel(kebab); got != camel {
			t.Errorf("Camel(%q) = %q, want %q", kebab, got, camel)
		}
		if got := casing.Kebab(camel); got != kebab {
			t.Errorf("Kebab(%q) = %q, want %q", camel, got, kebab)
		}
		for _, name := range []string{kebab, camel} {
			got := casing.LowerCamel(name)
			if casing.Camel(got) != camel || got != "" && !unicode.IsLower(rune(got[0])) {
				t.Errorf("LowerCamel(%q) = %q", name, got)
			}
		}
	}
	if got := casing.Camel("placeOrder"); got != "PlaceOrder" {
		t.Errorf("Camel(placeOrder) = %q", got)
	}
}

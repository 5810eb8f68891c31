package jsonschema

import (
	"orderflow/internal/platform/cardnumber"
	"orderflow/internal/platform/printable"
)

// Format names a rule beyond regular expressions. The API's contract describes each format.
type Format string

// The formats that Check enforces. JSON Schema allows custom formats.
const (
	// OneLineText is one line of visible text without a card number.
	OneLineText Format = "one-line-text"
	// NoCardNumber is any text without a card number.
	NoCardNumber Format = "no-card-number"
	// SKU is an article number. An EAN or GTIN may look like a card number.
	SKU Format = "sku"
	// GraphQLDocument is a GraphQL document. It is not stored, and the values in it are checked
	// where they go.
	GraphQLDocument Format = "graphql-document"
)

// rule is a test of a format and the message if it fails.
type rule struct {
	holds func(string) bool
	wants string
}

const (
	visible = "must be one line of visible text, without control or format characters"
	noCard  = "must not contain a payment card number; we never accept one"
)

var formats = map[Format][]rule{
	OneLineText:     {{printable.OneLine, visible}, {withoutCard, noCard}},
	NoCardNumber:    {{withoutCard, noCard}},
	GraphQLDocument: {},
	SKU:             {{func(s string) bool { return !cardnumber.InSKU(s) }, noCard}},
}

func withoutCard(s string) bool { return !cardnumber.In(s) }

// Known reports whether Check enforces the format. The empty format accepts everything.
func (f Format) Known() bool { return f == "" || formats[f] != nil }

// Holds reports whether s matches the format.
func (f Format) Holds(s string) bool {
	found := &Invalid{}
	f.check(&place{}, s, found)
	return len(found.Violations) == 0
}

func (f Format) check(at *place, s string, found *Invalid) {
	for _, r := range formats[f] {
		if !r.holds(s) {
			found.add(WrongFormat, at, "%s", r.wants)
			return
		}
	}
}

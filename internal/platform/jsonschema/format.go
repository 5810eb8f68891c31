package jsonschema

import (
	"orderflow/internal/platform/cardnumber"
	"orderflow/internal/platform/printable"
)

// Format names a rule that no regular expression can say. The API's contract describes each for its readers.
type Format string

// The formats that Check enforces. JSON Schema lets a contract have its own.
const (
	// OneLineText is text that people write: one line, visible, without the number of a payment card.
	OneLineText Format = "one-line-text"
	// NoCardNumber is a value that people copy from elsewhere, without the number of a payment card.
	NoCardNumber Format = "no-card-number"
	// SKU is an article number; an EAN or a GTIN is one, whatever its digits.
	SKU Format = "sku"
)

// rule is a format's test and what it asks for.
type rule struct {
	holds func(string) bool
	wants string
}

const (
	visible = "must be one line of visible text, without control or format characters"
	noCard  = "must not have the number of a payment card in it: we never take one"
)

var formats = map[Format][]rule{
	OneLineText:  {{printable.OneLine, visible}, {withoutCard, noCard}},
	NoCardNumber: {{withoutCard, noCard}},
	SKU:          {{func(s string) bool { return !cardnumber.InSKU(s) }, noCard}},
}

func withoutCard(s string) bool { return !cardnumber.In(s) }

// Known reports whether Check enforces the format; no format is one that accepts everything.
func (f Format) Known() bool { return f == "" || formats[f] != nil }

// Holds reports whether s is of the format.
func (f Format) Holds(s string) bool {
	found := &Invalid{}
	f.check("", s, found)
	return len(found.Violations) == 0
}

func (f Format) check(pointer, s string, found *Invalid) {
	for _, r := range formats[f] {
		if !r.holds(s) {
			found.Add(pointer, "%s", r.wants)
			return
		}
	}
}

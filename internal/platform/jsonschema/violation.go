package jsonschema

import (
	"fmt"
	"strings"

	"orderflow/internal/platform/cardnumber"
	"orderflow/internal/platform/redact"
)

// maxViolations limits the violations in an error.
const maxViolations = 50

// Violation is one way in which a text breaks its schema.
type Violation struct {
	// Pointer is a JSON pointer into the text, or the name of a request's parameter or header.
	Pointer string `json:"pointer"`
	// Code says for programs what the schema requires, one of the constants below, or what else is
	// wrong there. It is "" if an earlier release wrote the violation.
	Code string `json:"code,omitempty"`
	// Detail says what the schema requires. It never quotes the value, which may be personal data.
	Detail string `json:"detail"`
}

// The codes of violations.
const (
	Malformed   = "Malformed" // it cannot be read at all
	Missing     = "Missing"
	NotAllowed  = "NotAllowed" // not one of the values that are allowed
	TooFew      = "TooFew"     // items
	TooLarge    = "TooLarge"
	TooLong     = "TooLong"
	TooMany     = "TooMany" // items
	TooShort    = "TooShort"
	TooSmall    = "TooSmall"
	Unknown     = "Unknown" // the contract has no such field or parameter
	WrongFormat = "WrongFormat"
	WrongType   = "WrongType"
)

// Invalid is the error of a text or request that does not match its contract.
type Invalid struct {
	Violations []Violation
}

// Error lists the violations.
func (e *Invalid) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = fmt.Sprintf("%q %s", v.Pointer, v.Detail)
	}
	return strings.Join(lines, "; ")
}

// Add adds a violation, up to the limit.
func (e *Invalid) Add(code, pointer, detail string, args ...any) {
	if len(e.Violations) < maxViolations {
		e.Violations = append(e.Violations, Violation{pointer, code, fmt.Sprintf(detail, args...)})
	}
}

func (e *Invalid) add(code string, at *place, detail string, args ...any) {
	e.Add(code, at.pointer(), detail, args...)
}

// place is where a value is. Most values are valid, so a pointer is only written for a violation.
type place struct {
	above *place // nil for the whole text
	token string // of the pointer, unescaped; of the whole text, its pointer
}

func (p *place) pointer() string {
	if p.above == nil {
		return p.token
	}
	return p.above.pointer() + "/" + Escape(p.token)
}

var escapes = strings.NewReplacer("~", "~0", "/", "~1")

// Escape makes a field's name a token of a JSON pointer. Names come from the sender, so long names
// are cut and names with a card number are masked.
func Escape(name string) string {
	const longest = 64
	if cardnumber.In(name) {
		return redact.Mask
	}
	if r := []rune(name); len(r) > longest {
		name = string(r[:longest]) + "…"
	}
	return escapes.Replace(name)
}

package jsonschema

import (
	"fmt"
	"strings"

	"orderflow/internal/platform/cardnumber"
	"orderflow/internal/platform/redact"
)

// maxViolations bounds the answer to what is wrong all over.
const maxViolations = 50

// Violation is one way in which a text breaks its schema.
type Violation struct {
	// Pointer says where: a JSON pointer into the text (empty for all of it), or the name of a request's parameter or header.
	Pointer string `json:"pointer"`
	// Detail says what the schema asks for. It never repeats what was sent, which may be personal data.
	Detail string `json:"detail"`
}

// Invalid is the error of a text or request that breaks its contract, with every violation that was found, 50 at most.
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

// Add adds a violation, unless there are as many as are told.
func (e *Invalid) Add(pointer, detail string, args ...any) {
	if len(e.Violations) < maxViolations {
		e.Violations = append(e.Violations, Violation{Pointer: pointer, Detail: fmt.Sprintf(detail, args...)})
	}
}

// Escape makes a member's name one token of a JSON pointer. Names come from the sender, so they are cut, and one with the
// number of a payment card is not repeated.
func Escape(name string) string {
	const longest = 64
	if cardnumber.In(name) {
		return redact.Mask
	}
	if r := []rune(name); len(r) > longest {
		name = string(r[:longest]) + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

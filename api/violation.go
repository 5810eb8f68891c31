package api

import (
	"fmt"
	"strings"
)

// maxViolations bounds the answer to a request that is wrong all over.
const maxViolations = 50

// Violation is one way in which a request breaks the contract.
type Violation struct {
	// Pointer says where: a JSON pointer into the body (empty for all of it), or the name of the parameter or header.
	Pointer string `json:"pointer"`
	// Detail says what the contract asks for. It never repeats what was sent, which may be personal data.
	Detail string `json:"detail"`
}

// InvalidRequest is the error of a request that breaks the contract, with every violation that was found, 50 at most.
type InvalidRequest struct {
	Violations []Violation
}

// Error lists the violations.
func (e *InvalidRequest) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = fmt.Sprintf("%q %s", v.Pointer, v.Detail)
	}
	return "api: invalid request: " + strings.Join(lines, "; ")
}

func (e *InvalidRequest) add(pointer, detail string, args ...any) {
	if len(e.Violations) < maxViolations {
		e.Violations = append(e.Violations, Violation{Pointer: pointer, Detail: fmt.Sprintf(detail, args...)})
	}
}

// escape makes a member's name one token of a JSON pointer. Names come from the client, so they are cut.
func escape(name string) string {
	const longest = 64
	if r := []rune(name); len(r) > longest {
		name = string(r[:longest]) + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

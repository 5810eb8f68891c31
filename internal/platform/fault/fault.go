// Package fault is the one error vocabulary of Orderflow. Domain code names the kind of an error
// and a stable code. The edges (HTTP, saga step, event consumer) map the kind to what their caller
// understands.
package fault

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// Kind says what the caller can do about an error.
type Kind int

const (
	// Transient: the same call may succeed later. Errors without a kind count as transient, because
	// every effect is safe to repeat.
	Transient Kind = iota
	// Invalid: the request itself is malformed (HTTP 400).
	Invalid
	// Unauthenticated: no verified identity (HTTP 401).
	Unauthenticated
	// Forbidden: the identity may not do this (HTTP 403).
	Forbidden
	// NotFound: it does not exist, or it is not the caller's (HTTP 404).
	NotFound
	// Conflict: the current state forbids it, permanently (HTTP 409).
	Conflict
	// TooLarge: the request exceeds a size limit (HTTP 413).
	TooLarge
	// Refused: well-formed, but a business rule forbids it (HTTP 422).
	Refused
	// Internal: a defect in our code; a retry does not help (HTTP 500).
	Internal
	// Unavailable: not tried, because a dependency is known to be down; retry later (HTTP 503).
	Unavailable
	// TimedOut: the caller's deadline passed before the work was done (HTTP 408).
	TimedOut
	// Limited: the caller is at its limit; retry after RetryAfter (HTTP 429).
	Limited
)

// Error is an error with a kind and a stable code in CamelCase, which is also the error name that
// Step Functions sees.
type Error struct {
	Kind Kind
	Code string
	// Detail is one sentence for people. It must hold no personal data.
	Detail string
	// RetryAfter is the minimum wait before a retry; 0 if unknown.
	RetryAfter time.Duration
	// Members are extension members of the problem document, for programs. They must hold no
	// personal data.
	Members map[string]any
	// Cause is the underlying error, if any. It is logged but never returned to a caller.
	Cause error
}

// New returns an error with a detail formatted as by fmt.Sprintf.
func New(kind Kind, code, detail string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Detail: fmt.Sprintf(detail, args...)}
}

// Detailf returns a copy of e with a new detail, formatted as by fmt.Sprintf.
func (e *Error) Detailf(detail string, args ...any) *Error {
	c := *e
	c.Detail = fmt.Sprintf(detail, args...)
	return &c
}

// Because returns a copy of e that carries its cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// After returns a copy of e with RetryAfter.
func (e *Error) After(wait time.Duration) *Error {
	c := *e
	c.RetryAfter = wait
	return &c
}

// With returns a copy of e with one more member.
func (e *Error) With(name string, value any) *Error {
	c := *e
	c.Members = maps.Clone(e.Members)
	if c.Members == nil {
		c.Members = map[string]any{}
	}
	c.Members[name] = value
	return &c
}

// Error returns code, detail and cause.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Detail
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target has the same code.
func (e *Error) Is(target error) bool {
	var t *Error
	return errors.As(target, &t) && t.Code == e.Code
}

// KindOf returns err's kind, Transient if it has none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}

// From returns err as an *Error. An error without a kind becomes Transient.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(Transient, "Transient", "a temporary fault; try again").Because(err)
}

// ErrLostRace means that another writer was first: the barrier record, the idempotency record or
// the version that this write was based on has changed. Read again and decide again.
var ErrLostRace = errors.New("lost a race: read again and decide again")

// ErrCursor refuses a cursor that the list did not return.
var ErrCursor = New(Invalid, "InvalidCursor", "the cursor was not returned by this list")

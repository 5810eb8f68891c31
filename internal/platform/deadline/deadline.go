// Package deadline keeps two deadlines of an invocation apart: its own, which Lambda sets, and the one that its caller chose
// by a header. The caller's may end the work that it asked for. It must never end what serves others as well, such as reading
// a secret that is kept for five minutes, and its passing is never a fault of ours.
package deadline

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrChosen is the cause of a context that ended because the deadline that the caller chose has passed. It matches
// context.DeadlineExceeded.
var ErrChosen error = chosenError{}

type chosenError struct{}

func (chosenError) Error() string        { return "the deadline that the caller chose has passed" }
func (chosenError) Is(target error) bool { return target == context.DeadlineExceeded } //nolint:errorlint // the method is what errors.Is calls

type invocationKey struct{}

type chosenKey struct{}

// Begin marks ctx as the invocation's own: whatever ends contexts below it ends no question that Shared asks.
func Begin(ctx context.Context) context.Context { return context.WithValue(ctx, invocationKey{}, ctx) }

// Choose returns a context that ends after d as well, by the caller's choice. Where the invocation ends before that, nothing
// changes.
func Choose(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	own, bounded := ctx.Deadline()
	chosen, cancel := context.WithTimeoutCause(ctx, d, ErrChosen)
	if end, _ := chosen.Deadline(); bounded && !end.Before(own) {
		return chosen, cancel
	}
	return context.WithValue(chosen, chosenKey{}, chosen), cancel
}

// Chosen reports whether the caller chose a deadline.
func Chosen(ctx context.Context) bool { return ctx.Value(chosenKey{}) != nil }

// Passed reports whether err is owed to the deadline that the caller chose: the deadline has passed, or something was cut
// short for its sake.
func Passed(ctx context.Context, err error) bool {
	chosen, ok := ctx.Value(chosenKey{}).(context.Context)
	return ok && (errors.Is(err, ErrChosen) || errors.Is(context.Cause(chosen), ErrChosen)) //nolint:contextcheck // it is asked, not handed on
}

// Shared returns a context for a question whose answer is kept and used for other callers, too. It ends after limit or with
// the invocation that Begin has marked, but not when this caller goes away or its deadline passes.
func Shared(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if invocation, ok := ctx.Value(invocationKey{}).(context.Context); ok {
		ctx = detached{Context: invocation, values: ctx}
	}
	return context.WithTimeoutCause(ctx, limit, errLimit)
}

// errLimit is the cause of a context whose question took longer than its limit. It matches context.DeadlineExceeded.
var errLimit = fmt.Errorf("the question took too long: %w", context.DeadlineExceeded)

// Interrupted reports whether a context of Shared ended before its limit, since the invocation did. A failure then says nothing
// about who was asked.
func Interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errLimit)
}

// detached has the deadline of one context and the values of another.
type detached struct {
	context.Context //nolint:containedctx // this is a context
	values          context.Context
}

// Value returns the values of the context that work is done under, such as its trace.
func (d detached) Value(key any) any { return d.values.Value(key) }

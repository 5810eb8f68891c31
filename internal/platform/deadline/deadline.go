// Package deadline distinguishes two deadlines of an invocation: its own, which Lambda sets, and
// the one that its caller chose by a header. The caller's deadline may end the caller's own work.
// It must not end shared work, such as reading a secret that is cached for five minutes. Work that
// it ends does not count as our failure.
package deadline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orderflow/internal/platform/clock"
)

// ErrChosen is the cause of a context that ended at the caller's deadline. It matches
// context.DeadlineExceeded.
var ErrChosen error = chosenError{}

type chosenError struct{}

func (chosenError) Error() string { return "the caller's deadline has passed" }

//nolint:errorlint // errors.Is calls this method
func (chosenError) Is(target error) bool { return target == context.DeadlineExceeded }

type invocationKey struct{}

type chosenKey struct{}

// Begin marks ctx as the invocation's context, from which Shared derives its contexts. The first
// mark counts.
func Begin(ctx context.Context) context.Context {
	if ctx.Value(invocationKey{}) != nil {
		return ctx
	}
	return context.WithValue(ctx, invocationKey{}, ctx)
}

// Choose adds the caller's deadline, d from now. It has no effect if the invocation ends earlier.
func Choose(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	own, bounded := ctx.Deadline()
	chosen, cancel := context.WithTimeoutCause(ctx, d, ErrChosen)
	if end, _ := chosen.Deadline(); bounded && !end.Before(own) {
		return chosen, cancel
	}
	return context.WithValue(chosen, chosenKey{}, chosen), cancel
}

// Adopt takes the deadline of ctx as the caller's, if it is earlier than that of the invocation: a
// library has read it from a header. Work ends a moment before, so that it can be distinguished
// from that of ctx.
func Adopt(ctx context.Context) (context.Context, context.CancelFunc) {
	end, bounded := ctx.Deadline()
	invocation, begun := ctx.Value(invocationKey{}).(context.Context)
	if !bounded || !begun {
		return ctx, func() {}
	}
	//nolint:contextcheck // the context is inspected, not passed on
	if own, limited := invocation.Deadline(); limited && !end.Before(own) {
		return ctx, func() {}
	}
	chosen, cancel := context.WithDeadlineCause(ctx, end.Add(-time.Millisecond), ErrChosen)
	return context.WithValue(chosen, chosenKey{}, chosen), cancel
}

// Chosen reports whether the caller chose a deadline.
func Chosen(ctx context.Context) bool { return ctx.Value(chosenKey{}) != nil }

// Passed reports whether err is due to the caller's deadline: it has passed, or an operation was
// cut short because of it.
func Passed(ctx context.Context, err error) bool {
	chosen, ok := ctx.Value(chosenKey{}).(context.Context)
	//nolint:contextcheck // the context is inspected, not passed on
	return ok && (errors.Is(err, ErrChosen) || errors.Is(context.Cause(chosen), ErrChosen))
}

// Shared returns a context for work whose result is cached and used by other callers. It ends after
// limit or with the invocation, but not when this caller goes away or its deadline passes.
func Shared(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if invocation, ok := ctx.Value(invocationKey{}).(context.Context); ok {
		ctx = detached{Context: invocation, values: ctx}
	}
	return context.WithTimeoutCause(ctx, limit, errLimit)
}

// errLimit is the cause of a context of Shared that reached its limit. It matches
// context.DeadlineExceeded.
var errLimit = fmt.Errorf("shared work took too long: %w", context.DeadlineExceeded)

// Interrupted reports whether a context of Shared ended before its limit, with the invocation. A
// failure then says nothing about the dependency.
func Interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errLimit)
}

// detached has the deadline of one context and the values of another.
type detached struct {
	context.Context //nolint:containedctx // this is a context
	values          context.Context
}

// Value returns the values of the caller's context, such as its trace.
func (d detached) Value(key any) any { return d.values.Value(key) }

type clockKey struct{}

// By returns a context with a deadline by a clock that is not the system's. It does not end then:
// no timer runs.
func By(ctx context.Context, c clock.Clock, at time.Time) context.Context {
	return byClock{ctx, c, at}
}

type byClock struct {
	context.Context
	clock clock.Clock
	at    time.Time
}

// Deadline is part of context.Context.
func (b byClock) Deadline() (time.Time, bool) { return b.at, true }

// Value is part of context.Context.
func (b byClock) Value(key any) any {
	if key == (clockKey{}) {
		return b.clock
	}
	return b.Context.Value(key)
}

// Left is the time until the deadline of ctx, if it has one, by the clock of that deadline.
func Left(ctx context.Context) (time.Duration, bool) {
	at, bounded := ctx.Deadline()
	if !bounded {
		return 0, false
	}
	if own, ok := ctx.Value(clockKey{}).(clock.Clock); ok {
		return at.Sub(own.Now()), true
	}
	return time.Until(at), true
}

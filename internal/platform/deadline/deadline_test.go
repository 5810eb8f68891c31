package deadline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
)

type key struct{}

// chosen returns the context of an invocation of 10 s whose caller waits for 1 s.
func chosen(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "trace"), 10*time.Second)
	t.Cleanup(cancel)
	ctx, cancel = deadline.Choose(deadline.Begin(ctx), time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestWorkEndsAtTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, failed := chosen(t), errors.New("the table does not answer")
		if !deadline.Chosen(ctx) || deadline.Passed(ctx, failed) {
			t.Errorf("chosen %t; passed at once %t", deadline.Chosen(ctx), deadline.Passed(ctx, failed))
		}
		if !deadline.Passed(ctx, fmt.Errorf("cut short: %w", deadline.ErrChosen)) {
			t.Error("an operation cut short by the deadline is not due to it")
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if ctx.Err() == nil || !deadline.Passed(ctx, failed) ||
			!errors.Is(deadline.ErrChosen, context.DeadlineExceeded) {
			t.Errorf("after a second: %v, passed %t", ctx.Err(), deadline.Passed(ctx, failed))
		}
	})
}

func TestDeadlineAfterTheInvocationsEndIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ctx, done := deadline.Choose(deadline.Begin(own), time.Second)
		defer done()
		time.Sleep(2 * time.Second)
		if deadline.Chosen(ctx) || deadline.Passed(ctx, ctx.Err()) || ctx.Err() == nil {
			t.Errorf("chosen %t, passed %t, %v", deadline.Chosen(ctx), deadline.Passed(ctx, ctx.Err()), ctx.Err())
		}
	})
}

func TestSharedWorkOutlivesTheCallersDeadlineOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := chosen(t)
		bounded, cancel := deadline.Shared(ctx, 3*time.Second)
		defer cancel()
		long, done := deadline.Shared(ctx, time.Minute)
		defer done()
		time.Sleep(2 * time.Second)
		if ctx.Err() == nil || bounded.Err() != nil || bounded.Value(key{}) != "trace" {
			t.Errorf("after 2 s: caller's work %v, shared work %v with %v", ctx.Err(), bounded.Err(),
				bounded.Value(key{}))
		}
		time.Sleep(2 * time.Second)
		if bounded.Err() == nil || deadline.Interrupted(bounded) || deadline.Interrupted(long) {
			t.Errorf("after its 3 s: %v, interrupted %t", bounded.Err(), deadline.Interrupted(bounded))
		}
		time.Sleep(7 * time.Second)
		if long.Err() == nil || !deadline.Interrupted(long) || deadline.Interrupted(bounded) {
			t.Errorf("after the invocation: %v, interrupted %t", long.Err(), deadline.Interrupted(long))
		}
	})
}

func TestSharedWorkOutlivesItsCaller(t *testing.T) {
	caller, leave := context.WithCancel(deadline.Begin(t.Context()))
	ctx, cancel := deadline.Shared(caller, time.Minute)
	defer cancel()
	leave()
	if ctx.Err() != nil {
		t.Error("shared work ended with its caller")
	}
}

func TestADeadlineThatALibraryReadIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begun := deadline.Begin(own)
		read, done := context.WithTimeout(begun, time.Second)
		defer done()
		ctx, adopted := deadline.Adopt(read)
		defer adopted()
		none, without := deadline.Adopt(begun)
		defer without()
		if !deadline.Chosen(ctx) || deadline.Chosen(none) || deadline.Chosen(read) {
			t.Errorf("chosen %t, without one %t", deadline.Chosen(ctx), deadline.Chosen(none))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !deadline.Passed(ctx, ctx.Err()) || none.Err() != nil {
			t.Errorf("after a second: %v, %v", context.Cause(ctx), none.Err())
		}
		shared, end := deadline.Shared(deadline.Begin(ctx), time.Minute)
		defer end()
		if shared.Err() != nil {
			t.Error("shared work ends with the caller's deadline")
		}
	})
}

func TestWhatIsLeftIsByTheClockOfTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := clock.At(time.Now().Add(time.Hour))
		ctx := deadline.By(t.Context(), own, own.Now().Add(10*time.Second))
		own.Advance(4 * time.Second)
		time.Sleep(time.Minute)
		if left, bounded := deadline.Left(context.WithValue(ctx, key{}, "")); !bounded || left != 6*time.Second {
			t.Errorf("by a clock of its own: %s, %t", left, bounded)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		time.Sleep(time.Second)
		if left, bounded := deadline.Left(ctx); !bounded || left != 9*time.Second {
			t.Errorf("by the system's clock: %s, %t", left, bounded)
		}
		if left, bounded := deadline.Left(t.Context()); bounded {
			t.Errorf("without a deadline: %s", left)
		}
	})
}

package barrier_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

// account is a minimal store: a number and the log.
type account struct {
	*memdb.Log
	balance int
}

func newAccount() *account {
	return &account{Log: memdb.NewLog(clock.At(time.Unix(0, 0)))}
}

func (a *account) add(n int, once *barrier.Entry) error {
	return a.Commit(commit.With{Barrier: once}, func() error { a.balance += n; return nil })
}

// blind is a log that does not find one record in the first look-ups, as for the loser of a race.
type blind struct {
	barrier.Log
	key     barrier.Key
	lookups int
}

func (l *blind) Barriers(ctx context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	found, err := l.Log.Barriers(ctx, keys...)
	if slices.Contains(keys, l.key) && l.lookups > 0 {
		l.lookups--
		delete(found, l.key)
	}
	return found, err
}

var (
	paid     = barrier.Key{Saga: "s", Step: "Pay", Phase: barrier.Action}
	refunded = barrier.Key{Saga: "s", Step: "Refund", Phase: barrier.Compensation}
)

// pay is an action that adds n and returns n.
func pay(a *account, log barrier.Log, n int) (int, error) {
	return barrier.Do(context.Background(), log, "s", "Pay", func(_ context.Context, once barrier.Once) (int, error) {
		return n, a.add(n, once.Returning(n))
	})
}

func failing(err error) func(context.Context, barrier.Once) (int, error) {
	return func(context.Context, barrier.Once) (int, error) { return 0, err }
}

// refund compensates pay and returns result, which tells runs apart.
func refund(a *account, log barrier.Log, amount int, result string) (string, error) {
	run := func(_ context.Context, done barrier.Done, once barrier.Once) (string, error) {
		if done["Pay"] {
			return result, a.add(-amount, once.Returning(result))
		}
		return result, a.add(0, once.Returning(result))
	}
	return barrier.Undo(context.Background(), log, "s", "Refund", []string{"Pay"}, run)
}

func TestDuplicateActionReturnsTheFirstResult(t *testing.T) {
	a := newAccount()
	for n := 1; n <= 3; n++ {
		got, err := pay(a, a, n)
		want(t, got, 1, err)
	}
	wantBalance(t, a, 1)
}

func TestFailedActionLeavesNoRecord(t *testing.T) {
	a := newAccount()
	broken := errors.New("broken")
	_, err := barrier.Do(t.Context(), a, "s", "Pay", failing(broken))
	if !errors.Is(err, broken) {
		t.Errorf("error = %v, want the action's error", err)
	}
	got, err := pay(a, a, 2)
	want(t, got, 2, err)
}

func TestUndoRevertsTheActionOnce(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	for _, result := range []string{"first", "second"} {
		got, err := refund(a, a, 5, result)
		want(t, got, "first", err)
	}
	wantBalance(t, a, 0)
}

// The duplicate looked for a record before the first run committed, and read the business data
// after.
func TestDuplicateThatFailsAfterTheFirstRunReturnsItsResult(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	late := &blind{Log: a, key: paid, lookups: 1}
	got, err := barrier.Do(t.Context(), late, "s", "Pay", failing(errors.New("already paid")))
	want(t, got, 5, err)
}

func TestUndoThatFailsAfterTheFirstReturnsItsResult(t *testing.T) {
	a := newAccount()
	_, err := refund(a, a, 5, "first")
	must(t, err)
	late := &blind{Log: a, key: refunded, lookups: 1}
	fail := func(context.Context, barrier.Done, barrier.Once) (string, error) {
		return "second", errors.New("nothing left to undo")
	}
	got, err := barrier.Undo(t.Context(), late, "s", "Refund", []string{"Pay"}, fail)
	want(t, got, "first", err)
}

func TestActionThatFailsAfterItsUndoIsCompensated(t *testing.T) {
	a := newAccount()
	_, err := refund(a, a, 5, "nothing")
	must(t, err)
	late := &blind{Log: a, key: paid, lookups: 1}
	_, err = barrier.Do(t.Context(), late, "s", "Pay", failing(errors.New("closed")))
	if !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("error = %v, want ErrCompensated", err)
	}
}

func TestNullCompensationBarsTheLateAction(t *testing.T) {
	a := newAccount()
	for _, result := range []string{"first", "second"} {
		got, err := refund(a, a, 5, result)
		want(t, got, "first", err)
	}
	for range 2 {
		if _, err := pay(a, a, 5); !errors.Is(err, barrier.ErrCompensated) || fault.KindOf(err) != fault.Conflict {
			t.Errorf("late action: %v, want ErrCompensated, a conflict", err)
		}
	}
	wantBalance(t, a, 0)
}

func TestDuplicateOfAnUndoneActionReturnsTheFirstResult(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	_, err = refund(a, a, 5, "done")
	must(t, err)
	got, err := pay(a, a, 7)
	want(t, got, 5, err)
	wantBalance(t, a, 0)
}

func TestUndoBarsOnlyActionsWithoutARecord(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	run := func(_ context.Context, done barrier.Done, once barrier.Once) (int, error) {
		if wanted := (barrier.Done{"Pay": true, "Capture": false}); !maps.Equal(done, wanted) {
			t.Errorf("done = %v, want %v", done, wanted)
		}
		return 0, a.add(0, once.Returning(0))
	}
	_, err = barrier.Undo(t.Context(), a, "s", "Refund", []string{"Capture", "Pay"}, run)
	must(t, err)
	_, err = barrier.Do(t.Context(), a, "s", "Capture", func(context.Context, barrier.Once) (int, error) {
		t.Error("a barred action ran")
		return 0, nil
	})
	if !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("barred action: %v, want ErrCompensated", err)
	}
}

func TestActionBarredByOneUndoIsNotDoneForAnother(t *testing.T) {
	a := newAccount()
	_, err := refund(a, a, 5, "null")
	must(t, err)
	run := func(_ context.Context, done barrier.Done, once barrier.Once) (int, error) {
		if done["Pay"] {
			t.Error("the barred action is done for the second undo")
		}
		return 0, a.add(0, once.Returning(0))
	}
	_, err = barrier.Undo(t.Context(), a, "s", "Cancel", []string{"Pay"}, run)
	must(t, err)
}

func TestSagasAndStepsHaveSeparateRecords(t *testing.T) {
	a := newAccount()
	keys := []barrier.Key{{Saga: "s", Step: "Pay"}, {Saga: "s", Step: "Capture"}, {Saga: "t", Step: "Pay"}}
	for i, key := range keys {
		run := func(_ context.Context, once barrier.Once) (int, error) { return i, a.add(1, once.Returning(i)) }
		got, err := barrier.Do(t.Context(), a, key.Saga, key.Step, run)
		want(t, got, i, err)
	}
	wantBalance(t, a, 3)
}

func TestActionThatLosesToItsDuplicateReturnsTheWinnersResult(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	got, err := pay(a, &blind{a, paid, 1}, 7)
	want(t, got, 5, err)
	wantBalance(t, a, 5)
}

func TestActionThatLosesToItsUndoIsRefused(t *testing.T) {
	a := newAccount()
	_, err := refund(a, a, 5, "null")
	must(t, err)
	if _, err := pay(a, &blind{a, paid, 1}, 5); !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("action that lost to its undo: %v, want ErrCompensated", err)
	}
	wantBalance(t, a, 0)
}

func TestUndoThatLosesToItsActionRevertsIt(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	got, err := refund(a, &blind{a, paid, 1}, 5, "undone")
	want(t, got, "undone", err)
	wantBalance(t, a, 0)
}

func TestUndoThatLosesToItsDuplicateReturnsTheWinnersResult(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	_, err = refund(a, a, 5, "winner")
	must(t, err)
	got, err := refund(a, &blind{a, refunded, 1}, 5, "loser")
	want(t, got, "winner", err)
	wantBalance(t, a, 0)
}

func TestRaceLostTooOftenIsTransient(t *testing.T) {
	a := newAccount()
	_, err := pay(a, a, 5)
	must(t, err)
	if _, err := pay(a, &blind{a, paid, 1000}, 7); err == nil || fault.KindOf(err) != fault.Transient {
		t.Errorf("error = %v, want a transient one", err)
	}
	wantBalance(t, a, 5)
}

func TestEventIsConsumedOncePerConsumer(t *testing.T) {
	a := newAccount()
	for _, consumer := range []string{"mail", "mail", "stats"} {
		must(t, barrier.Consume(t.Context(), a, consumer, "e1", func(_ context.Context, once barrier.Once) error {
			return a.add(1, once.Returning(nil))
		}))
	}
	wantBalance(t, a, 2)
}

func want[T comparable](t *testing.T, got, wanted T, err error) {
	t.Helper()
	if err != nil || got != wanted {
		t.Errorf("got %v, %v; want %v", got, err, wanted)
	}
}

func wantBalance(t *testing.T, a *account, n int) {
	t.Helper()
	if a.balance != n {
		t.Errorf("balance = %d, want %d", a.balance, n)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

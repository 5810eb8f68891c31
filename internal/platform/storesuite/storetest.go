// Package storesuite is the part of every store's suite that is about the protocol: barrier
// records, idempotency records and outbox events are written together or not at all.
package storesuite

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
)

// Store is what the store of every service can do.
type Store interface {
	commit.Log
	idempotency.Log
	// Outbox returns the events that are written and not yet published.
	Outbox(ctx context.Context) ([]envelope.Event, error)
}

// Run runs the suite; open returns an empty store on the given clock.
func Run[S Store](t *testing.T, open func(t *testing.T, c clock.Clock) S) {
	opened := func(t *testing.T, c clock.Clock) Store { return open(t, c) }
	RunTimed(t, opened, map[string]func(*testing.T, Store, *clock.Manual){
		"DuplicateActionReturnsTheFirstResult": duplicateAction,
		"DuplicateUndoReturnsTheFirstResult":   duplicateUndo,
		"NullCompensationBarsTheLateAction":    nullCompensation,
		"UndoLearnsWhichActionsTookEffect":     undoLearns,
		"ConcurrentActionsTakeEffectOnce":      concurrent,
		"UndoAndActionNeverBothMissEachOther":  undoRace,
		"ReplayReturnsTheFirstResult":          replay,
		"KeyWithAnotherRequestIsRefused":       reused,
		"ExpiredKeyIsForgotten":                expired,
		"RefusedCommitWritesNothing":           refused,
		"KeysAreApartByScope":                  scopes,
	})
}

// RunTimed runs each case on an empty store and its clock.
func RunTimed[S any](
	t *testing.T, open func(t *testing.T, c clock.Clock) S, cases map[string]func(*testing.T, S, *clock.Manual),
) {
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
			run(t, open(t, c), c)
		})
	}
}

// RunCases runs each case on an empty store whose clock stands at start.
func RunCases[S any](
	t *testing.T, start time.Time, open func(t *testing.T, c clock.Clock) S, cases map[string]func(*testing.T, S),
) {
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(t, open(t, clock.At(start))) })
	}
}

// act is an action that records n and one event.
func act(s Store, n int) func(context.Context, barrier.Once) (int, error) {
	return func(ctx context.Context, once barrier.Once) (int, error) {
		return n, s.Record(ctx, commit.With{Barrier: once.Returning(n), Events: events(ctx)})
	}
}

func undo(s Store, n int, saw *barrier.Done) func(context.Context, barrier.Done, barrier.Once) (int, error) {
	return func(ctx context.Context, done barrier.Done, once barrier.Once) (int, error) {
		*saw = done
		return n, s.Record(ctx, commit.With{Barrier: once.Returning(n), Events: events(ctx)})
	}
}

func duplicateAction(t *testing.T, s Store, _ *clock.Manual) {
	for n := range 3 {
		got, err := barrier.Do(t.Context(), s, "saga", "Step", act(s, n))
		want(t, got, 0, err)
	}
	wantOutbox(t, s, 1)
}

func duplicateUndo(t *testing.T, s Store, _ *clock.Manual) {
	var saw barrier.Done
	for n := range 3 {
		got, err := barrier.Undo(t.Context(), s, "saga", "Undo", []string{"Step"}, undo(s, n, &saw))
		want(t, got, 0, err)
	}
	wantOutbox(t, s, 1)
}

func nullCompensation(t *testing.T, s Store, _ *clock.Manual) {
	var saw barrier.Done
	got, err := barrier.Undo(t.Context(), s, "saga", "Undo", []string{"Step"}, undo(s, 7, &saw))
	want(t, got, 7, err)
	if saw["Step"] {
		t.Error("undo was told that the step took effect")
	}
	if _, err := barrier.Do(t.Context(), s, "saga", "Step", act(s, 1)); !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("late action: %v, want ErrCompensated", err)
	}
	got, err = barrier.Do(t.Context(), s, "other saga", "Step", act(s, 1))
	want(t, got, 1, err)
	wantOutbox(t, s, 2)
}

func undoLearns(t *testing.T, s Store, _ *clock.Manual) {
	_, err := barrier.Do(t.Context(), s, "saga", "First", act(s, 1))
	must(t, err)
	var saw barrier.Done
	_, err = barrier.Undo(t.Context(), s, "saga", "Undo", []string{"First", "Second"}, undo(s, 2, &saw))
	must(t, err)
	if !saw["First"] || saw["Second"] {
		t.Errorf("undo was told %v; want First only", saw)
	}
	got, err := barrier.Do(t.Context(), s, "saga", "First", act(s, 3))
	want(t, got, 1, err) // a duplicate of what took effect, not a dangling action
}

func concurrent(t *testing.T, s Store, _ *clock.Manual) {
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			if _, err := barrier.Do(context.Background(), s, "saga", "Step", act(s, n)); err != nil && fault.KindOf(err) != fault.Transient {
				t.Errorf("action: %v", err)
			}
		})
	}
	wg.Wait()
	wantOutbox(t, s, 1)
}

func undoRace(t *testing.T, s Store, _ *clock.Manual) {
	for _, saga := range []string{"a", "b", "c", "d"} {
		var saw barrier.Done
		var acted error
		var wg sync.WaitGroup
		wg.Go(func() { _, acted = barrier.Do(context.Background(), s, saga, "Step", act(s, 1)) })
		_, err := barrier.Undo(t.Context(), s, saga, "Undo", []string{"Step"}, undo(s, 2, &saw))
		wg.Wait()
		must(t, err)
		if saw["Step"] != (acted == nil) {
			t.Errorf("undo believes that the step took effect: %v; the step: %v", saw["Step"], acted)
		}
	}
}

func request(hash string) idempotency.Request {
	return idempotency.Request{Scope: "customer#op", Key: "k", Hash: hash}
}

func answer(s Store, n int) func(context.Context, idempotency.Once) (int, error) {
	return func(ctx context.Context, once idempotency.Once) (int, error) {
		return n, s.Record(ctx, commit.With{Reply: once.Returning(n), Events: events(ctx)})
	}
}

func replay(t *testing.T, s Store, _ *clock.Manual) {
	for n := range 3 {
		got, replayed, err := idempotency.Do(t.Context(), s, request("h"), answer(s, n))
		want(t, got, 0, err)
		if replayed != (n > 0) {
			t.Errorf("request %d: replayed = %v", n, replayed)
		}
	}
	wantOutbox(t, s, 1)
}

func reused(t *testing.T, s Store, _ *clock.Manual) {
	_, _, err := idempotency.Do(t.Context(), s, request("h"), answer(s, 1))
	must(t, err)
	if _, _, err = idempotency.Do(t.Context(), s, request("other"), answer(s, 2)); !errors.Is(err, idempotency.ErrKeyReused) {
		t.Errorf("same key, other request: %v, want ErrKeyReused", err)
	}
	wantOutbox(t, s, 1)
}

func expired(t *testing.T, s Store, c *clock.Manual) {
	_, _, err := idempotency.Do(t.Context(), s, request("h"), answer(s, 1))
	must(t, err)
	c.Advance(idempotency.Retention + time.Second)
	got, replayed, err := idempotency.Do(t.Context(), s, request("other"), answer(s, 2))
	want(t, got, 2, err)
	if replayed {
		t.Error("an expired key was replayed")
	}
}

func refused(t *testing.T, s Store, _ *clock.Manual) {
	_, err := barrier.Do(t.Context(), s, "saga", "Step", act(s, 1))
	must(t, err)
	// A commit that slips past the look-up, as the loser of a race does.
	_, err = barrier.Do(t.Context(), blind{s}, "saga", "Step", act(s, 2))
	if fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("commit over an existing record: %v, want a transient error", err)
	}
	wantOutbox(t, s, 1)
}

// blind is a log that finds nothing.
type blind struct{ Store }

func (blind) Barrier(context.Context, barrier.Key) (barrier.Record, bool, error) {
	return barrier.Record{}, false, nil
}

func scopes(t *testing.T, s Store, _ *clock.Manual) {
	_, _, err := idempotency.Do(t.Context(), s, request("h"), answer(s, 1))
	must(t, err)
	mine := idempotency.Request{Scope: "another#op", Key: "k", Hash: "x"}
	got, replayed, err := idempotency.Do(t.Context(), s, mine, answer(s, 2))
	want(t, got, 2, err)
	if replayed {
		t.Error("another customer's answer was replayed")
	}
}

func events(ctx context.Context) []envelope.Event {
	p := envelope.Publisher{Service: "test", Clock: clock.System{}, IDs: ids.Random(clock.System{})}
	return []envelope.Event{p.New(ctx, "orderflow.test.thing.happened.v1", "subject", 1, struct{}{})}
}

func wantOutbox(t *testing.T, s interface {
	Outbox(ctx context.Context) ([]envelope.Event, error)
}, n int) {
	t.Helper()
	got, err := s.Outbox(t.Context())
	if err != nil || len(got) != n {
		t.Errorf("outbox holds %d events, %v; want %d", len(got), err, n)
	}
}

func want(t *testing.T, got, wanted int, err error) {
	t.Helper()
	if err != nil || got != wanted {
		t.Errorf("got %d, %v; want %d", got, err, wanted)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

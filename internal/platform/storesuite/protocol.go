package storesuite

import (
	"context"
	"errors"
	"slices"
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

// Store is a store that keeps the protocol, as that of every service does.
type Store interface {
	commit.Log
	idempotency.Log
	// Outbox returns the events that are written but not yet published.
	Outbox(ctx context.Context) ([]envelope.Event, error)
}

var protocol = []func(*testing.T, Store, *clock.Manual){
	duplicateActionReturnsTheFirstResult, duplicateUndoReturnsTheFirstResult, nullCompensationBarsTheLateAction,
	undoReceivesWhichActionsTookEffect, concurrentActionsTakeEffectOnce, concurrentUndoSeesOrBarsTheAction,
	replayReturnsTheFirstResult, keyWithAnotherRequestIsRefused, expiredKeyIsForgotten, refusedCommitWritesNothing,
	scopesHaveSeparateKeys,
}

// act returns an action that records n and one event.
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

func duplicateActionReturnsTheFirstResult(t *testing.T, s Store, _ *clock.Manual) {
	for n := range 3 {
		got, err := barrier.Do(t.Context(), s, "saga", "Step", act(s, n))
		want(t, got, 0, err)
	}
	wantOutbox(t, s, 1)
}

func duplicateUndoReturnsTheFirstResult(t *testing.T, s Store, _ *clock.Manual) {
	var saw barrier.Done
	for n := range 3 {
		got, err := barrier.Undo(t.Context(), s, "saga", "Undo", []string{"Step"}, undo(s, n, &saw))
		want(t, got, 0, err)
	}
	wantOutbox(t, s, 1)
}

func nullCompensationBarsTheLateAction(t *testing.T, s Store, _ *clock.Manual) {
	var saw barrier.Done
	got, err := barrier.Undo(t.Context(), s, "saga", "Undo", []string{"Step"}, undo(s, 7, &saw))
	want(t, got, 7, err)
	if saw["Step"] {
		t.Error("undo believes that the step took effect")
	}
	if _, err := barrier.Do(t.Context(), s, "saga", "Step", act(s, 1)); !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("late action: %v, want ErrCompensated", err)
	}
	got, err = barrier.Do(t.Context(), s, "other saga", "Step", act(s, 1))
	want(t, got, 1, err)
	wantOutbox(t, s, 2)
}

func undoReceivesWhichActionsTookEffect(t *testing.T, s Store, _ *clock.Manual) {
	_, err := barrier.Do(t.Context(), s, "saga", "First", act(s, 1))
	Must(t, err)
	var saw barrier.Done
	_, err = barrier.Undo(t.Context(), s, "saga", "Undo", []string{"First", "Second"}, undo(s, 2, &saw))
	Must(t, err)
	if !saw["First"] || saw["Second"] {
		t.Errorf("undo was passed %v; want First only", saw)
	}
	got, err := barrier.Do(t.Context(), s, "saga", "First", act(s, 3))
	want(t, got, 1, err) // a duplicate of an action that took effect, not a late one
}

func concurrentActionsTakeEffectOnce(t *testing.T, s Store, _ *clock.Manual) {
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			_, err := barrier.Do(context.Background(), s, "saga", "Step", act(s, n))
			if err != nil && fault.KindOf(err) != fault.Transient {
				t.Errorf("action: %v", err)
			}
		})
	}
	wg.Wait()
	wantOutbox(t, s, 1)
}

func concurrentUndoSeesOrBarsTheAction(t *testing.T, s Store, _ *clock.Manual) {
	for _, saga := range []string{"a", "b", "c", "d"} {
		var saw barrier.Done
		var acted error
		var wg sync.WaitGroup
		wg.Go(func() { _, acted = barrier.Do(context.Background(), s, saga, "Step", act(s, 1)) })
		_, err := barrier.Undo(t.Context(), s, saga, "Undo", []string{"Step"}, undo(s, 2, &saw))
		wg.Wait()
		Must(t, err)
		if saw["Step"] != (acted == nil) {
			t.Errorf("undo was passed took effect = %v; the step returned %v", saw["Step"], acted)
		}
	}
}

func request(hash string) idempotency.Request {
	return idempotency.Request{Scope: "customer#op", Key: "k", Hash: hash}
}

func handle(s Store, n int) func(context.Context, idempotency.Once) (int, error) {
	return func(ctx context.Context, once idempotency.Once) (int, error) {
		return n, s.Record(ctx, commit.With{Reply: once.Returning(n), Events: events(ctx)})
	}
}

func replayReturnsTheFirstResult(t *testing.T, s Store, _ *clock.Manual) {
	for n := range 3 {
		got, replayed, err := idempotency.Do(t.Context(), s, request("h"), handle(s, n))
		want(t, got, 0, err)
		if replayed != (n > 0) {
			t.Errorf("request %d: replayed = %v", n, replayed)
		}
	}
	wantOutbox(t, s, 1)
}

func keyWithAnotherRequestIsRefused(t *testing.T, s Store, _ *clock.Manual) {
	_, _, err := idempotency.Do(t.Context(), s, request("h"), handle(s, 1))
	Must(t, err)
	_, _, err = idempotency.Do(t.Context(), s, request("other"), handle(s, 2))
	if !errors.Is(err, idempotency.ErrKeyReused) {
		t.Errorf("same key, other request: %v, want ErrKeyReused", err)
	}
	wantOutbox(t, s, 1)
}

func expiredKeyIsForgotten(t *testing.T, s Store, c *clock.Manual) {
	_, _, err := idempotency.Do(t.Context(), s, request("h"), handle(s, 1))
	Must(t, err)
	c.Advance(idempotency.Retention + time.Second)
	got, replayed, err := idempotency.Do(t.Context(), s, request("other"), handle(s, 2))
	want(t, got, 2, err)
	if replayed {
		t.Error("an expired key was replayed")
	}
}

func refusedCommitWritesNothing(t *testing.T, s Store, _ *clock.Manual) {
	_, err := barrier.Do(t.Context(), s, "saga", "Step", act(s, 1))
	Must(t, err)
	// blind commits without seeing the record, as the loser of a race does.
	_, err = barrier.Do(t.Context(), blind{s}, "saga", "Step", act(s, 2))
	if fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("commit over an existing record: %v, want a transient error", err)
	}
	wantOutbox(t, s, 1)
}

// blind is a log that finds nothing.
type blind struct{ Store }

func (blind) Barriers(context.Context, ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	return nil, nil
}

func scopesHaveSeparateKeys(t *testing.T, s Store, _ *clock.Manual) {
	_, _, err := idempotency.Do(t.Context(), s, request("h"), handle(s, 1))
	Must(t, err)
	mine := idempotency.Request{Scope: "another#op", Key: "k", Hash: "x"}
	got, replayed, err := idempotency.Do(t.Context(), s, mine, handle(s, 2))
	want(t, got, 2, err)
	if replayed {
		t.Error("another customer's result was replayed")
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

// WantMany checks the result of reading several aggregates at once: those with ids, in their order.
func WantMany[V commit.Aggregate](t *testing.T, found []V, err error, ids ...string) {
	t.Helper()
	got := make([]string, len(found))
	for i, v := range found {
		got[i], _ = v.Identity()
	}
	if err != nil || !slices.Equal(got, ids) {
		t.Errorf("found %q, %v; want %q", got, err, ids)
	}
}

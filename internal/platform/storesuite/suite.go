// Package storesuite holds what the suites of all stores have in common: the cases of the protocol
// (barrier records, idempotency records and outbox events are written together or not at all), and
// the ways to run a service's own cases.
package storesuite

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// Suite is what every implementation of a store has to pass. Each case runs on an empty store whose
// clock is at Start.
type Suite[S any] struct {
	Cases map[string]func(*testing.T, S)
	Timed map[string]func(*testing.T, S, *clock.Manual) // cases that move the clock
	Kinds map[string]Kind[S]
}

// Kind is one kind of item. Write creates an item of it; Rewrite changes the item in every way that
// the store can. Attributes that a newer version of the code added in between must survive.
type Kind[S any] struct{ Write, Rewrite func(t *testing.T, s S) }

// Newer is a newer version of the code that writes to the same items, as during a gradual release.
type Newer interface {
	// Grow adds an unknown attribute to every item, and to every map nested in one. It returns how
	// many it added.
	Grow(ctx context.Context) (int, error)
	// Lost names the added attributes that are missing or changed.
	Lost(ctx context.Context) ([]string, error)
}

// Open returns an empty store, and a newer version that writes to it.
type Open[S any] func(t *testing.T, c clock.Clock) (S, Newer)

// Start is the time of a new store.
var Start = time.Date(2026, 1, 2, 3, 4, 5, 678_000_009, time.UTC)

// Run runs the cases of the protocol and the suite.
func Run[S Store](t *testing.T, open Open[S], suite Suite[S]) {
	protocol := Suite[Store]{Timed: protocol}
	RunCases(t, func(t *testing.T, c clock.Clock) (Store, Newer) { return open(t, c) }, protocol)
	RunCases(t, open, suite)
}

// RunCases runs the suite without the cases of the protocol.
func RunCases[S any](t *testing.T, open Open[S], suite Suite[S]) {
	for name, run := range suite.Cases {
		t.Run(name, func(t *testing.T) {
			s, _ := open(t, clock.At(Start))
			run(t, s)
		})
	}
	for name, run := range suite.Timed {
		t.Run(name, func(t *testing.T) {
			c := clock.At(Start)
			s, _ := open(t, c)
			run(t, s, c)
		})
	}
	for name, kind := range suite.Kinds {
		t.Run("NewerAttributesSurvive/"+name, func(t *testing.T) {
			s, newer := open(t, clock.At(Start))
			kind.Write(t, s)
			if grown, err := newer.Grow(t.Context()); err != nil || grown == 0 {
				t.Fatalf("added %d attributes, %v", grown, err)
			}
			kind.Rewrite(t, s)
			if lost, err := newer.Lost(t.Context()); err != nil || len(lost) > 0 {
				t.Errorf("lost: %v, %v", lost, err)
			}
		})
	}
}

// Must stops the test on an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// NextVersionOnly writes versions 1 and 2 of item "1", and checks that every other version loses
// the race, as does a second version of item "2", which does not exist.
func NextVersionOnly(t *testing.T, write func(id string, version int64) error) {
	t.Helper()
	for stored := int64(1); stored <= 2; stored++ {
		Must(t, write("1", stored))
		for _, version := range []int64{1, stored, stored + 2} {
			if err := write("1", version); !errors.Is(err, fault.ErrLostRace) {
				t.Errorf("version %d over version %d: %v, want ErrLostRace", version, stored, err)
			}
		}
	}
	if err := write("2", 2); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("version 2 over nothing: %v, want ErrLostRace", err)
	}
}

// ReplyStore is a store that keeps idempotency records.
type ReplyStore interface {
	idempotency.Log
	Record(ctx context.Context, with commit.With) error
}

// KeyTakenMeanwhile lets another request with the same key commit between the look-up and the
// write. The first result is replayed; the caller checks that write changed nothing.
func KeyTakenMeanwhile(t *testing.T, s ReplyStore, write func(ctx context.Context, with commit.With) error) {
	t.Helper()
	req := idempotency.Request{Scope: "scope", Key: "k", Hash: "h"}
	runs := 0
	race := func(ctx context.Context, once idempotency.Once) (string, error) {
		runs++
		Must(t, s.Record(ctx, commit.With{Reply: once.Returning("first")}))
		return "second", write(ctx, commit.With{Reply: once.Returning("second")})
	}
	got, replayed, err := idempotency.Do(t.Context(), s, req, race)
	if got != "first" || !replayed || err != nil || runs != 1 {
		t.Errorf("%q, replayed %t, %v, %d runs; want the first result replayed after 1 run", got, replayed, err, runs)
	}
}

// Race makes concurrent calls, each repeated until done, 20 times at most.
func Race(callers int, call func(n int) (done bool)) {
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			for range 20 {
				if call(n) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// Package storesuite holds what the suites of all stores have in common: the cases of the protocol
// (barrier records, idempotency records and outbox events are written together or not at all), and
// the ways to run a service's own cases.
package storesuite

import (
	"context"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// Suite is what every implementation of a store has to pass. Each case runs on an empty store whose
// clock is at Start, as a subtest with the name of its function.
type Suite[S any] struct {
	Aggregates []Aggregates[S]
	Cases      []func(*testing.T, S)
	Timed      []func(*testing.T, S, *clock.Manual) // cases that move the clock
	Kinds      map[string]Kind[S]
}

// Aggregates are the aggregates of one type; see Aggregate.
type Aggregates[S any] interface {
	run(t *testing.T, open Open[S], protocol bool)
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

// Run runs the cases of the protocol and the suite. The stores must be Stores.
func Run[S any](t *testing.T, open Open[S], suite Suite[S]) {
	openStore := func(t *testing.T, c clock.Clock) (Store, Newer) {
		s, newer := open(t, c)
		store, ok := any(s).(Store)
		if !ok {
			t.Fatalf("%T does not implement storesuite.Store", s)
		}
		return store, newer
	}
	RunCases(t, openStore, Suite[Store]{Timed: protocol})
	runCases(t, open, suite, true)
}

// RunCases runs the suite without the cases of the protocol.
func RunCases[S any](t *testing.T, open Open[S], suite Suite[S]) { runCases(t, open, suite, false) }

func runCases[S any](t *testing.T, open Open[S], suite Suite[S], protocol bool) {
	for _, a := range suite.Aggregates {
		a.run(t, open, protocol)
	}
	for _, run := range suite.Cases {
		t.Run(nameOf(run), func(t *testing.T) {
			s, _ := open(t, clock.At(Start))
			run(t, s)
		})
	}
	for _, run := range suite.Timed {
		t.Run(nameOf(run), func(t *testing.T) {
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

func nameOf(function any) string {
	name := runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
	return name[strings.LastIndex(name, ".")+1:]
}

// Must stops the test on an error.
func Must(t testing.TB, err error) {
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

// Race makes concurrent calls. Each is repeated after a transient fault, 20 times at most.
func Race(callers int, call func(n int) error) {
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() {
			for range 20 {
				err := call(n)
				var f *fault.Error
				transient := errors.As(err, &f) && f.Kind == fault.Transient
				if !transient && !errors.Is(err, fault.ErrLostRace) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// Winners makes concurrent calls, each once, and returns how many succeeded. The others must fail
// with a transient error or with lost.
func Winners(t *testing.T, callers int, lost error, call func(n int) error) (won int) {
	t.Helper()
	errs := make([]error, callers)
	var wg sync.WaitGroup
	for n := range callers {
		wg.Go(func() { errs[n] = call(n) })
	}
	wg.Wait()
	for n, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, lost) && fault.KindOf(err) != fault.Transient {
			t.Errorf("call %d: %v, want %v or a transient error", n, err, lost)
		}
	}
	return won
}

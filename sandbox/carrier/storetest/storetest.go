// Package storetest is the suite that every store of the carrier passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/web"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) carrier.Store) {
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, carrier.Store){
		"NothingIsAnEntryOfVersionZero":               nothing,
		"WhatIsWrittenIsRead":                         written,
		"ABookingAndItsCallbackStandOrFallTogether":   together,
		"AKeyThatIsTakenKeepsTheEntryFromChanging":    taken,
		"OneReferenceAtOnceIsBookedOnce":              oneReference,
		"BookingsAndCancellationsAtOnceLeaveNothing":  bookAndCancel,
		"DecisionsAndCancellationsAtOnceLeaveNothing": decideAndCancel,
	})
}

func entry(version int64) carrier.Entry {
	return carrier.Entry{
		Reference: "r", PostalCode: "10115", Cancelled: true, Answered: true, Version: version,
		Shipment: &carrier.Shipment{
			ID: "shp_1", Reference: "r", Status: carrier.StatusBooked, TrackingNumber: "TRK-1", Reason: "why",
			CreatedAt: start,
		},
	}
}

func nothing(t *testing.T, s carrier.Store) {
	want(t, s, carrier.Entry{Reference: "r"})
	wantDue(t, s, carrier.Due{Reference: "r"}, false)
}

func written(t *testing.T, s carrier.Store) {
	bare := carrier.Entry{Reference: "r", Cancelled: true, Version: 1}
	must(t, s.Write(t.Context(), bare, nil, commit.With{}))
	want(t, s, bare)
	must(t, s.Write(t.Context(), entry(2), nil, commit.With{}))
	want(t, s, entry(2))
	for _, version := range []int64{1, 2, 4} {
		if err := s.Write(t.Context(), carrier.Entry{Reference: "r", Version: version}, nil, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("version %d over version 2: %v, want ErrLostRace", version, err)
		}
	}
	want(t, s, entry(2))
}

func together(t *testing.T, s carrier.Store) {
	due := carrier.Due{Reference: "r", TraceParent: "trace"}
	if err := s.Write(t.Context(), entry(2), &due, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("version 2 over nothing: %v, want ErrLostRace", err)
	}
	wantDue(t, s, carrier.Due{Reference: "r"}, false)
	must(t, s.Write(t.Context(), entry(1), &due, commit.With{}))
	want(t, s, entry(1))
	wantDue(t, s, due, true)
}

func taken(t *testing.T, s carrier.Store) {
	req := idempotency.Request{Scope: "shipments", Key: "k", Hash: "h"}
	got, replayed, err := idempotency.Do(t.Context(), s, req, func(ctx context.Context, once idempotency.Once) (string, error) {
		must(t, s.Record(ctx, commit.With{Reply: once.Returning("first")}))
		return "second", s.Write(ctx, entry(1), &carrier.Due{Reference: "r"}, commit.With{Reply: once.Returning("second")})
	})
	if got != "first" || !replayed || err != nil {
		t.Errorf("%q, replayed %t, %v; want the first answer, replayed", got, replayed, err)
	}
	want(t, s, carrier.Entry{Reference: "r"})
	wantDue(t, s, carrier.Due{Reference: "r"}, false)
}

const racers = 10

// race runs f racers times at once, each again until it gets a final answer, as a client does.
func race(f func(n int) error) {
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() {
			var final *web.Error
			for range 20 {
				if err := f(n); err == nil || errors.As(err, &final) {
					return
				}
			}
		})
	}
	wg.Wait()
}

func oneReference(t *testing.T, s carrier.Store) {
	c := open(s)
	seen := make([]carrier.Shipment, racers)
	race(func(n int) (err error) {
		seen[n], err = book(t, c, fmt.Sprint(n))
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	must(t, err)
	for n := range seen {
		if e.Shipment == nil || seen[n] != *e.Shipment {
			t.Errorf("answer %d is %+v, want %+v", n, seen[n], e.Shipment)
		}
	}
	wantDue(t, s, carrier.Due{Reference: "r", TraceParent: "trace"}, true)
}

func bookAndCancel(t *testing.T, s carrier.Store) {
	c := open(s)
	race(func(n int) (err error) {
		if n%2 == 0 {
			_, err = c.Cancel(t.Context(), "r")
		} else {
			_, err = book(t, c, fmt.Sprint(n))
		}
		return err
	})
	wantCancelled(t, s, c)
}

func decideAndCancel(t *testing.T, s carrier.Store) {
	c := open(s)
	_, err := book(t, c, "k")
	must(t, err)
	race(func(n int) (err error) {
		if n%2 == 0 {
			_, err = c.Cancel(t.Context(), "r")
		} else {
			_, err = c.Decide(t.Context(), "r")
		}
		return err
	})
	wantCancelled(t, s, c)
}

func wantCancelled(t *testing.T, s carrier.Store, c *carrier.Carrier) {
	t.Helper()
	e, err := s.Entry(t.Context(), "r")
	must(t, err)
	if !e.Cancelled || e.Shipment != nil && e.Shipment.Status != carrier.StatusCancelled {
		t.Errorf("entry is %+v with %+v, want it cancelled with no shipment or a cancelled one", e, e.Shipment)
	}
	if callback, err := c.Decide(t.Context(), "r"); callback != nil || err != nil {
		t.Errorf("Decide after the cancellation: %+v, %v; want no callback", callback, err)
	}
}

func open(s carrier.Store) *carrier.Carrier {
	return carrier.New(s, clock.At(start), ids.Random(clock.At(start)))
}

func book(t *testing.T, c *carrier.Carrier, key string) (carrier.Shipment, error) {
	in := carrier.Request{Reference: "r", Address: carrier.Address{PostalCode: "10115"}}
	return c.Book(t.Context(), idempotency.Request{Scope: "shipments", Key: key, Hash: "h"}, in, "trace")
}

func want(t *testing.T, s carrier.Store, e carrier.Entry) {
	t.Helper()
	if got, err := s.Entry(t.Context(), e.Reference); err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("entry = %+v with %+v, %v; want %+v with %+v", got, got.Shipment, err, e, e.Shipment)
	}
}

func wantDue(t *testing.T, s carrier.Store, due carrier.Due, exists bool) {
	t.Helper()
	if got, ok, err := s.Due(t.Context(), "r"); err != nil || ok != exists || exists && got != due {
		t.Errorf("callback asked for: %+v, %t, %v; want %+v, %t", got, ok, err, due, exists)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Package storetest is the suite that every store of the carrier passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/carrier"
)

// Suite is what every store of the carrier has to pass.
var Suite = storesuite.Suite[carrier.Store]{
	Aggregates: []storesuite.Aggregates[carrier.Store]{entries},
	Cases: []func(*testing.T, carrier.Store){
		unknownReferenceHasVersionZero, bookingAndCallbackAreOneCommit, takenKeyWritesNothing,
		concurrentBookingsOfAReferenceMakeOne, concurrentBookAndCancelLeaveNoShipment,
		concurrentDecideAndCancelLeaveNoShipment,
	},
	Kinds: map[string]storesuite.Kind[carrier.Store]{
		"EntryWithCallback": {
			Write: func(t *testing.T, s carrier.Store) {
				storesuite.Must(t, s.Write(t.Context(), entry("r", 1), &carrier.Due{Reference: "r"}, commit.With{}))
			},
			Rewrite: func(t *testing.T, s carrier.Store) { entries.Put(t, s, entry("r", 2)) },
		},
	},
}

var entries = storesuite.Aggregate[carrier.Store, carrier.Entry]{
	Get: carrier.Store.Entry,
	Save: func(s carrier.Store, ctx context.Context, e carrier.Entry, with commit.With) error {
		return s.Write(ctx, e, nil, with)
	},
	New: entry,
	Versions: []carrier.Entry{
		{Reference: "r", PostalCode: "1", Version: 1}, entry("r", 2), {Reference: "r", Cancelled: true, Version: 3},
	},
}

func entry(reference string, version int64) carrier.Entry {
	return carrier.Entry{
		Reference: reference, PostalCode: "10115", Cancelled: true, Answered: true, Version: version,
		Shipment: &carrier.Shipment{
			ID: "shp_1", Reference: reference, Status: carrier.StatusBooked, TrackingNumber: "TRK-1", Reason: "why",
			CreatedAt: storesuite.Start,
		},
	}
}

func unknownReferenceHasVersionZero(t *testing.T, s carrier.Store) {
	entries.Want(t, s, carrier.Entry{Reference: "r"})
	wantDue(t, s, carrier.Due{Reference: "r"}, false)
}

func bookingAndCallbackAreOneCommit(t *testing.T, s carrier.Store) {
	due := carrier.Due{Reference: "r", TraceParent: "trace"}
	if err := s.Write(t.Context(), entry("r", 2), &due, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("version 2 over nothing: %v, want ErrLostRace", err)
	}
	wantDue(t, s, carrier.Due{Reference: "r"}, false)
	storesuite.Must(t, s.Write(t.Context(), entry("r", 1), &due, commit.With{}))
	entries.Want(t, s, entry("r", 1))
	wantDue(t, s, due, true)
}

func takenKeyWritesNothing(t *testing.T, s carrier.Store) {
	storesuite.KeyTakenMeanwhile(t, s, func(ctx context.Context, with commit.With) error {
		return s.Write(ctx, entry("r", 1), &carrier.Due{Reference: "r"}, with)
	})
	entries.Want(t, s, carrier.Entry{Reference: "r"})
	wantDue(t, s, carrier.Due{Reference: "r"}, false)
}

const racers = 10

func concurrentBookingsOfAReferenceMakeOne(t *testing.T, s carrier.Store) {
	c := open(s)
	seen := make([]carrier.Shipment, racers)
	storesuite.Race(racers, func(n int) (err error) {
		seen[n], err = book(t, c, fmt.Sprint(n))
		return err
	})
	e, err := s.Entry(t.Context(), "r")
	storesuite.Must(t, err)
	for n := range seen {
		if e.Shipment == nil || seen[n] != *e.Shipment {
			t.Errorf("answer %d is %+v, want %+v", n, seen[n], e.Shipment)
		}
	}
	wantDue(t, s, carrier.Due{Reference: "r", TraceParent: "trace"}, true)
}

func concurrentBookAndCancelLeaveNoShipment(t *testing.T, s carrier.Store) {
	c := open(s)
	storesuite.Race(racers, func(n int) (err error) {
		if n%2 == 0 {
			_, err = c.Cancel(t.Context(), "r")
		} else {
			_, err = book(t, c, fmt.Sprint(n))
		}
		return err
	})
	wantCancelled(t, s, c)
}

func concurrentDecideAndCancelLeaveNoShipment(t *testing.T, s carrier.Store) {
	c := open(s)
	_, err := book(t, c, "k")
	storesuite.Must(t, err)
	storesuite.Race(racers, func(n int) (err error) {
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
	storesuite.Must(t, err)
	if !e.Cancelled || e.Shipment != nil && e.Shipment.Status != carrier.StatusCancelled {
		t.Errorf("entry is %+v with %+v, want it cancelled with no shipment or a cancelled one", e, e.Shipment)
	}
	if callback, err := c.Decide(t.Context(), "r"); callback != nil || err != nil {
		t.Errorf("Decide after the cancellation: %+v, %v; want no callback", callback, err)
	}
}

func open(s carrier.Store) *carrier.Carrier {
	return carrier.New(s, clock.At(storesuite.Start), ids.Random(clock.At(storesuite.Start)))
}

func book(t *testing.T, c *carrier.Carrier, key string) (carrier.Shipment, error) {
	in := carrier.Request{Reference: "r", Address: carrier.Address{PostalCode: "10115"}}
	return c.Book(t.Context(), idempotency.Request{Scope: "shipments", Key: key, Hash: "h"}, in, "trace")
}

func wantDue(t *testing.T, s carrier.Store, due carrier.Due, exists bool) {
	t.Helper()
	if got, ok, err := s.Due(t.Context(), "r"); err != nil || ok != exists || exists && got != due {
		t.Errorf("due callback: %+v, %t, %v; want %+v, %t", got, ok, err, due, exists)
	}
}

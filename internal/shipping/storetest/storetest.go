// Package storetest is the suite that every shipping store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// Store is a shipping store that can also do what the platform's part of the suite asks for.
type Store interface {
	shipping.Store
	storesuite.Store
}

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) Store) {
	storesuite.Run(t, open)
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, Store){
		"UnknownShipmentIsNotFound":              unknown,
		"ShipmentComesBackAsSaved":               roundTrip,
		"SaveLosesTheRaceAgainstAnotherOne":      stale,
		"CallbackAndAwaitAtOnceLoseNoResumption": wakeUp,
	})
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func unknown(t *testing.T, s Store) {
	if _, err := s.Shipment(t.Context(), "none"); !errors.Is(err, shipping.ErrNoShipment) {
		t.Errorf("Shipment: %v, want ErrNoShipment", err)
	}
}

func roundTrip(t *testing.T, s Store) {
	full := shipping.Shipment{OrderID: "1", CustomerID: "c", Status: shipping.StatusRefused, CarrierID: "shp_1", TrackingNumber: "T", TraceParent: "00-0-0-01",
		Reason: "R", ResumeToken: "token", Version: 1, UpdatedAt: start}
	save(t, s, full)
	want(t, s, full)
	bare := requested("1", 2)
	save(t, s, bare)
	want(t, s, bare)
}

func stale(t *testing.T, s Store) {
	first := requested("1", 1)
	save(t, s, first)
	for _, version := range []int64{1, 3} {
		if err := s.Save(t.Context(), requested("1", version), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Save of version %d over version 1: %v, want ErrLostRace", version, err)
		}
	}
	if err := s.Save(t.Context(), requested("2", 2), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Save of version 2 over nothing: %v, want ErrLostRace", err)
	}
	want(t, s, first)
}

// wakeUp lets the callback and the saga's wait run at the same time, again and again: an event with
// the saga's token comes out each time.
func wakeUp(t *testing.T, s Store) {
	svc := shipping.New(s, nil, clock.At(start), ids.Random(clock.System{}))
	const rounds = 8
	for n := range rounds {
		order := fmt.Sprint(n)
		save(t, s, requested(order, 1))
		var wg sync.WaitGroup
		wg.Go(func() {
			cb := shipping.Callback{ID: "cb_" + order, Reference: order, Status: shipping.StatusBooked, TrackingNumber: "T"}
			if err := svc.ReceiveCallback(context.Background(), cb); err != nil {
				t.Errorf("ReceiveCallback: %v", err)
			}
		})
		wg.Go(func() {
			if _, err := svc.AwaitShipment(context.Background(), contract.Await{OrderID: order, ResumeToken: "token-" + order}); err != nil {
				t.Errorf("AwaitShipment: %v", err)
			}
		})
		wg.Wait()
	}
	events, err := s.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	woken := map[string]bool{}
	for _, e := range events {
		data, err := envelope.Decode[contract.ShipmentEvent](e)
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == contract.ShipmentBooked && data.ResumeToken == "token-"+data.OrderID {
			woken[data.OrderID] = true
		}
	}
	if len(woken) != rounds {
		t.Errorf("%d sagas of %d were resumed", len(woken), rounds)
	}
}

func requested(orderID string, version int64) shipping.Shipment {
	return shipping.Shipment{OrderID: orderID, CustomerID: "c", Status: shipping.StatusRequested, CarrierID: "shp_1", Version: version, UpdatedAt: start}
}

func save(t *testing.T, s Store, sh shipping.Shipment) {
	t.Helper()
	if err := s.Save(t.Context(), sh, commit.With{}); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s Store, sh shipping.Shipment) {
	t.Helper()
	if got, err := s.Shipment(t.Context(), sh.OrderID); err != nil || got != sh {
		t.Errorf("Shipment = %+v, %v; want %+v", got, err, sh)
	}
}

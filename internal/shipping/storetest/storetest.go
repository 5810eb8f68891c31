// Package storetest is the suite that every shipping store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// Suite is what every shipping store has to pass.
var Suite = storesuite.Suite[shipping.Store]{
	Cases: []func(*testing.T, shipping.Store){
		unknownShipmentIsNotFound, shipmentComesBackAsSaved, onlyTheNextVersionIsSaved,
		concurrentCallbackAndAwaitResumeTheSaga,
		shipmentsAreReadInOneBatch,
	},
	Kinds: map[string]storesuite.Kind[shipping.Store]{
		"Shipment": {
			Write: func(t *testing.T, s shipping.Store) { save(t, s, requested("1", 1)) },
			Rewrite: func(t *testing.T, s shipping.Store) {
				booked := requested("1", 2)
				booked.Status, booked.TrackingNumber, booked.ResumeToken = shipping.StatusBooked, "T", "token"
				save(t, s, booked)
				cancelled := requested("1", 3)
				cancelled.Status = shipping.StatusCancelled
				save(t, s, cancelled)
				want(t, s, cancelled)
			},
		},
	},
}

func unknownShipmentIsNotFound(t *testing.T, s shipping.Store) {
	if _, err := s.Shipment(t.Context(), "none"); !errors.Is(err, shipping.ErrNoShipment) {
		t.Errorf("Shipment: %v, want ErrNoShipment", err)
	}
}

func shipmentComesBackAsSaved(t *testing.T, s shipping.Store) {
	full := shipping.Shipment{
		OrderID: "1", CustomerID: "c", Status: shipping.StatusRefused, CarrierID: "shp_1", TrackingNumber: "T",
		TraceParent: "00-0-0-01", Reason: "R", ResumeToken: "token", Version: 1, UpdatedAt: storesuite.Start,
	}
	save(t, s, full)
	want(t, s, full)
	bare := requested("1", 2)
	save(t, s, bare)
	want(t, s, bare)
}

func onlyTheNextVersionIsSaved(t *testing.T, s shipping.Store) {
	storesuite.NextVersionOnly(t, func(orderID string, version int64) error {
		return s.Save(t.Context(), requested(orderID, version), commit.With{})
	})
	want(t, s, requested("1", 2))
}

// concurrentCallbackAndAwaitResumeTheSaga runs the carrier's callback and the saga's AwaitShipment
// at the same time. Every round must write an event with the saga's token.
func concurrentCallbackAndAwaitResumeTheSaga(t *testing.T, s shipping.Store) {
	svc := shipping.New(s, nil, clock.At(storesuite.Start), ids.Random(clock.System{}))
	const rounds = 8
	for n := range rounds {
		order := fmt.Sprint(n)
		save(t, s, requested(order, 1))
		var wg sync.WaitGroup
		wg.Go(func() {
			cb := shipping.Callback{
				ID: "cb_" + order, Reference: order, Status: shipping.StatusBooked, TrackingNumber: "T",
			}
			if err := svc.ReceiveCallback(context.Background(), cb); err != nil {
				t.Errorf("ReceiveCallback: %v", err)
			}
		})
		wg.Go(func() {
			await := contract.Await{OrderID: order, ResumeToken: "token-" + order}
			if _, err := svc.AwaitShipment(context.Background(), await); err != nil {
				t.Errorf("AwaitShipment: %v", err)
			}
		})
		wg.Wait()
	}
	events, err := s.(storesuite.Store).Outbox(t.Context())
	must(t, err)
	resumed := map[string]bool{}
	for _, e := range events {
		data, err := envelope.Decode[contract.ShipmentEvent](e)
		must(t, err)
		if e.Type == contract.ShipmentBooked && data.ResumeToken == "token-"+data.OrderID {
			resumed[data.OrderID] = true
		}
	}
	if len(resumed) != rounds {
		t.Errorf("resumed %d of %d sagas", len(resumed), rounds)
	}
}

func requested(orderID string, version int64) shipping.Shipment {
	return shipping.Shipment{
		OrderID: orderID, CustomerID: "c", Status: shipping.StatusRequested, CarrierID: "shp_1",
		Version: version, UpdatedAt: storesuite.Start,
	}
}

func save(t *testing.T, s shipping.Store, sh shipping.Shipment) {
	t.Helper()
	must(t, s.Save(t.Context(), sh, commit.With{}))
}

func want(t *testing.T, s shipping.Store, sh shipping.Shipment) {
	t.Helper()
	if got, err := s.Shipment(t.Context(), sh.OrderID); err != nil || got != sh {
		t.Errorf("Shipment = %+v, %v; want %+v", got, err, sh)
	}
}

var must = storesuite.Must

func shipmentsAreReadInOneBatch(t *testing.T, s shipping.Store) {
	for _, id := range []string{"1", "2", "3"} {
		save(t, s, requested(id, 1))
	}
	found, err := s.Shipments(t.Context(), []string{"3", "none", "1"})
	storesuite.WantMany(t, found, err, "3", "1")
	if len(found) > 0 && found[0] != requested("3", 1) {
		t.Errorf("found %+v", found[0])
	}
}

// Package storetest is the suite that every shipping store passes.
package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// Suite is what every shipping store has to pass.
var Suite = storesuite.Suite[shipping.Store]{
	Aggregates: []storesuite.Aggregates[shipping.Store]{shipments},
	Cases:      []func(*testing.T, shipping.Store){concurrentCallbackAndAwaitResumeTheSaga},
}

var shipments = storesuite.Aggregate[shipping.Store, shipping.Shipment]{
	Get: shipping.Store.Get, GetMany: shipping.Store.GetMany, Save: shipping.Store.Save,
	Missing: shipping.ErrNoShipment, New: requested,
	Versions: []shipping.Shipment{
		{
			OrderID: "1", CustomerID: "c", Status: shipping.StatusRefused, CarrierID: "shp_1", TrackingNumber: "T",
			TraceParent: "00-0-0-01", Reason: "R", ResumeToken: "token", Version: 1, UpdatedAt: storesuite.Start,
		},
		requested("1", 2),
		{
			OrderID: "1", CustomerID: "c", Status: shipping.StatusBooked, CarrierID: "shp_1", TrackingNumber: "T",
			ResumeToken: "token", Version: 3, UpdatedAt: storesuite.Start,
		},
		{OrderID: "1", Status: shipping.StatusCancelled, Version: 4, UpdatedAt: storesuite.Start},
	},
}

// concurrentCallbackAndAwaitResumeTheSaga runs the carrier's callback and the saga's AwaitShipment
// at the same time. Every round must write an event with the saga's token.
func concurrentCallbackAndAwaitResumeTheSaga(t *testing.T, s shipping.Store) {
	svc := shipping.New(s, nil, clock.At(storesuite.Start), ids.Random(clock.System{}))
	const rounds = 8
	for n := range rounds {
		order := fmt.Sprint(n)
		shipments.Put(t, s, requested(order, 1))
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
	storesuite.Must(t, err)
	resumed := map[string]bool{}
	for _, e := range events {
		data, err := envelope.Decode[contract.ShipmentEvent](e)
		storesuite.Must(t, err)
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

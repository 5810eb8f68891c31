// Package shipping ships orders with a carrier.
//
// arrange-shipment asks the carrier, which calls back with its decision (receive-carrier-webhook).
// await-shipment stores the resume token of a saga that waits for the decision. Decision and token
// may arrive in either order, or concurrently: both change the same versioned shipment, so
// whichever is written second finds the other and emits the event with the token. No wake-up is
// lost.
package shipping

import (
	"context"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/shipping/contract"
)

var (
	// ErrNoShipment: the order has no shipment. It makes the carrier repeat its callback.
	ErrNoShipment = fault.New(fault.NotFound, "ShipmentNotFound", "there is no shipment for this order")
	// ErrCancelled: the carrier has cancelled the shipment, for our compensation or by itself.
	ErrCancelled = fault.New(fault.Conflict, "ShipmentCancelled", "the carrier has cancelled the shipment")

	errInput = fault.New(fault.Invalid, "InvalidInput", "the input of a shipping step is incomplete")
)

// Names of the saga's steps, used as barrier keys.
const (
	stepArrange = "ArrangeShipment"
	stepCancel  = "CancelShipment"
)

// Store keeps shipments, by order.
type Store interface {
	commit.Log
	commit.Store[Shipment]
}

// Service implements shipping's use cases.
type Service struct {
	store   Store
	carrier Carrier
	clock   clock.Clock
	events  envelope.Publisher
}

// New returns the use cases on a store and a carrier.
func New(store Store, carrier Carrier, c clock.Clock, source ids.Source) *Service {
	events := envelope.Publisher{Service: "shipping", Clock: c, IDs: source}
	return &Service{store: store, carrier: carrier, clock: c, events: events}
}

// save stores sh with the event for its status and the barrier's entry. A resume token goes with
// the event and is not kept: it is most of a shipment's size, and needed once.
func (s *Service) save(ctx context.Context, sh Shipment, entry *barrier.Entry) error {
	event := s.events.New(ctx, sh.eventType(), sh.OrderID, sh.Version, contract.ShipmentEvent{
		OrderID: sh.OrderID, CustomerID: sh.CustomerID, TrackingNumber: sh.TrackingNumber,
		Reason: sh.Reason, ResumeToken: sh.ResumeToken,
	})
	sh.ResumeToken = ""
	return s.store.Save(ctx, sh, commit.With{Barrier: entry, Events: []envelope.Event{event}})
}

// key makes the idempotency key of a step's call to the carrier. It depends only on the order and
// the step, so a repeated step repeats the key.
func key(orderID, step string) string { return orderID + "-" + step }

// Package shipping has orders delivered by a carrier.
//
// The carrier is asked (arrange-shipment) and calls back when it has decided (receive-carrier-webhook). A saga that wants
// to know leaves a resume token (await-shipment). Answer and token may come in either order, or at once: whichever is
// written second finds the other one, because both change the same versioned shipment, and emits the event that
// carries the token. So no wake-up is lost.
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
	// ErrNoShipment: no shipment is known for the order. To the carrier it says: not yet, call again.
	ErrNoShipment = fault.New(fault.NotFound, "ShipmentNotFound", "there is no shipment for this order")
	// ErrCancelled: the carrier has cancelled the shipment. It may have done so at the word of our compensation, which has
	// begun then, or by itself.
	ErrCancelled = fault.New(fault.Conflict, "ShipmentCancelled", "the carrier has cancelled the shipment")

	errInput = fault.New(fault.Invalid, "InvalidInput", "the input of a shipping step is incomplete")
)

// Names of the saga's steps, and of the callback's handler, by which barriers know them.
const (
	stepArrange = "ArrangeShipment"
	stepCancel  = "CancelShipment"
	onCallback  = "ReceiveCarrierWebhook"
)

// Store keeps shipments.
type Store interface {
	commit.Log
	// Shipment returns an order's shipment, or ErrNoShipment.
	Shipment(ctx context.Context, orderID string) (Shipment, error)
	// Save writes sh, which must be one version after what is stored, else fault.ErrLostRace.
	Save(ctx context.Context, sh Shipment, with commit.With) error
}

// Service is shipping's use cases.
type Service struct {
	store   Store
	carrier Carrier
	clock   clock.Clock
	events  envelope.Publisher
}

// New returns the use cases over a store and a carrier.
func New(store Store, carrier Carrier, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, carrier: carrier, clock: c, events: envelope.Publisher{Service: "shipping", Clock: c, IDs: source}}
}

// told makes the event that tells of sh's status.
func (s *Service) told(ctx context.Context, sh Shipment) []envelope.Event {
	return []envelope.Event{s.events.New(ctx, sh.eventType(), sh.OrderID, sh.Version, contract.ShipmentEvent{
		OrderID: sh.OrderID, CustomerID: sh.CustomerID, TrackingNumber: sh.TrackingNumber, Reason: sh.Reason, ResumeToken: sh.ResumeToken,
	})}
}

// save writes sh with the event that tells of its status, and the record of the run.
func (s *Service) save(ctx context.Context, sh Shipment, once *barrier.Entry) error {
	return s.store.Save(ctx, sh, commit.With{Barrier: once, Events: s.told(ctx, sh)})
}

// key makes the idempotency key of a step's call to the carrier. It depends on nothing but the saga, so a repeated
// step repeats the key.
func key(orderID, step string) string { return orderID + "-" + step }

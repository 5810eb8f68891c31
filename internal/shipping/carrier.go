package shipping

import (
	"context"

	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping/contract"
)

// Carrier is who ships. A reference is ours, the order's id, and the carrier knows at most one shipment under it. Each
// call carries an idempotency key: calling again with it gives the same answer and has no second effect.
//
// Any call may fail with a Transient fault, which says nothing about whether it took effect, or will yet: a
// request may arrive long after we gave up waiting for its answer. Cancel is made for that.
type Carrier interface {
	// Book asks for a shipment. The carrier decides later and calls back; nothing is booked yet. It fails with
	// ErrReferenceCancelled if Cancel was called for the reference before, and with ErrRefused if the carrier will not ship
	// this: an address that it does not serve, goods that it does not take.
	Book(ctx context.Context, b Booking) (Consignment, error)

	// Cancel makes sure that nothing is shipped under the reference, now and for ever. A shipment that was asked for
	// or booked is called off, and whether there is one or none, a tombstone stays behind: a booking that arrives
	// later is refused. A callback may still be under way.
	//
	// It returns the shipment, also when it is called again; found is false if there never was one.
	Cancel(ctx context.Context, reference, key string) (c Consignment, found bool, err error)
}

// Booking asks for a shipment.
type Booking struct {
	Reference      string
	IdempotencyKey string
	Address        contract.Address
	Items          []contract.Line
}

// Consignment is what the carrier has under a reference.
type Consignment struct {
	// ID is the carrier's name for it.
	ID        string
	Reference string
}

// ErrRefused: the carrier will not ship this, and has said so at once.
var ErrRefused = fault.New(fault.Refused, "ShipmentRefused", "the carrier refuses the shipment")

// ErrReferenceCancelled: the reference was cancelled, so nothing can be shipped under it any more.
var ErrReferenceCancelled = fault.New(fault.Conflict, "ReferenceCancelled", "the carrier has cancelled the reference")

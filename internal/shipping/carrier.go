package shipping

import (
	"context"

	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping/contract"
)

// Carrier ships orders. A reference is our order id; the carrier has at most one shipment per
// reference. Each call carries an idempotency key: repeating it returns the same result and has no
// second effect.
//
// Any call may fail with a Transient fault. It may have taken effect, or may still: a request can
// arrive long after the caller gave up. Cancel deals with that.
type Carrier interface {
	// Book requests a shipment. The carrier decides later and calls back. Book fails with
	// ErrReferenceCancelled if the reference was cancelled before, and with ErrRefused if the
	// carrier refuses at once, because of the address or the goods.
	Book(ctx context.Context, b Booking) (Consignment, error)

	// Cancel makes sure that nothing is ever shipped for the reference. It cancels a requested or
	// booked shipment, and in any case leaves a tombstone that refuses every later booking. A
	// callback may still arrive.
	//
	// It returns the shipment, also when it is called again; found is false if there never was one.
	Cancel(ctx context.Context, reference, key string) (c Consignment, found bool, err error)
}

// Booking requests a shipment.
type Booking struct {
	Reference      string
	IdempotencyKey string
	Address        contract.Address
	Items          []contract.Line
}

// Consignment is the carrier's shipment for a reference.
type Consignment struct {
	// ID is the carrier's id.
	ID        string
	Reference string
}

// ErrRefused: the carrier refused the shipment at once.
var ErrRefused = fault.New(fault.Refused, "ShipmentRefused", "the carrier refuses the shipment")

// ErrReferenceCancelled: the reference was cancelled, so it can no longer be booked.
var ErrReferenceCancelled = fault.New(fault.Conflict, "ReferenceCancelled", "the carrier has cancelled the reference")

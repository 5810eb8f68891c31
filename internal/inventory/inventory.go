// Package inventory keeps the stock: what is available, reserved for orders, and shipped. What is available or
// reserved is on hand.
//
// Every unit that was ever stocked is in exactly one of the three buckets, so available +
// reserved + shipped only changes by an operator's adjustment. Orders move units between
// the buckets, all lines of an order at once or none; no bucket is ever negative.
package inventory

import (
	"context"
	"time"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
)

var (
	// ErrOutOfStock: a line asks for more than is available; nothing was reserved.
	ErrOutOfStock = fault.New(fault.Refused, "OutOfStock", "there is not enough stock for every line of the order")
	// ErrNoStock: the product was never stocked.
	ErrNoStock = fault.New(fault.NotFound, "StockNotFound", "there is no stock record of this product")
	// ErrUnknownSKU: neither catalog nor stock has the SKU.
	ErrUnknownSKU = fault.New(fault.Refused, "UnknownSku", "no product and no stock has this SKU: check how it is written. A product that was put a moment ago "+
		"is known within seconds; to stock what the catalogue does not have, send allowUnknownSku: true")
	// ErrNoReservation: nothing was ever reserved for the order.
	ErrNoReservation = fault.New(fault.NotFound, "ReservationNotFound", "there is no reservation for this order")
	// ErrBelowZero: an adjustment would leave less on hand than is reserved.
	ErrBelowZero = fault.New(fault.Conflict, "InsufficientStock", "the adjustment would leave less on hand than is reserved")
	// ErrNotReserved: a step needs a reservation that is not there.
	ErrNotReserved = fault.New(fault.Conflict, "NotReserved", "the order's stock is not reserved")
)

// Store keeps stock and reservations.
type Store interface {
	commit.Log
	idempotency.Log
	// Stock returns the stock of a product, or ErrNoStock.
	Stock(ctx context.Context, sku string) (Stock, error)
	// Product reports whether a product with the SKU was learnt of.
	Product(ctx context.Context, sku string) (bool, error)
	// LearnProduct keeps that there is a product with the SKU. Learning of it again changes nothing.
	LearnProduct(ctx context.Context, sku string) error
	// Reservation returns an order's reservation, or ErrNoReservation.
	Reservation(ctx context.Context, orderID string) (Reservation, error)
	// Move moves every line of r from one bucket to another and writes r, which must be one
	// version after what is stored (else fault.ErrLostRace). ErrOutOfStock if a bucket holds too little.
	Move(ctx context.Context, r Reservation, from, to Bucket, with commit.With) error
	// Adjust adds delta to what is available of a product. The stock before must be as given (else
	// fault.ErrLostRace).
	Adjust(ctx context.Context, before Stock, delta int, with commit.With) error
	// Overdue returns the reservations that are RESERVED since before a time. One that was made or moved a moment ago may be missing.
	// If some cannot be read, it returns the others and the error.
	Overdue(ctx context.Context, before time.Time) ([]Reservation, error)
}

// Service is inventory's use cases.
type Service struct {
	store  Store
	clock  clock.Clock
	events envelope.Publisher
}

// New returns the use cases over a store.
func New(store Store, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, clock: c, events: envelope.Publisher{Service: "inventory", Clock: c, IDs: source}}
}

// moved makes the event that tells of r's new state.
func (s *Service) moved(ctx context.Context, eventType string, r Reservation) []envelope.Event {
	return []envelope.Event{
		s.events.New(ctx, eventType, r.OrderID, r.Version, contract.StockMoved{OrderID: r.OrderID, Items: r.Items}),
	}
}

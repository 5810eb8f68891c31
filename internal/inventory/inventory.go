// Package inventory keeps the stock of each product in three buckets: available, reserved for
// orders, and shipped. Available and reserved stock is on hand.
//
// Every unit is in exactly one bucket, so their sum changes only by an operator's adjustment.
// Orders move units between buckets, all lines of an order or none. No bucket is ever negative.
//
// The stock of a product is one item, its shard 0, until many orders want it at once. Then it is
// split into shards, each with the three buckets, and merged when that is over; see shards.go and
// docs/adr/0055.
package inventory

import (
	"context"
	"sync"
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
	// ErrOutOfStock says that a line exceeds the available stock. Nothing was reserved.
	ErrOutOfStock = fault.New(fault.Refused, "OutOfStock", "not enough stock for all lines of the order")
	// ErrNoStock says that the product was never stocked.
	ErrNoStock = fault.New(fault.NotFound, "StockNotFound", "this product has no stock record")
	// ErrUnknownSKU says that the SKU has neither a product nor stock.
	ErrUnknownSKU = fault.New(fault.Refused, "UnknownSku", "no product and no stock has this SKU; check its spelling. "+
		"A new product becomes known within seconds. To stock a SKU outside the catalog, send allowUnknownSku: true.")
	// ErrNoReservation says that nothing was ever reserved for the order.
	ErrNoReservation = fault.New(fault.NotFound, "ReservationNotFound", "this order has no reservation")
	// ErrBelowZero says that an adjustment would leave less on hand than is reserved.
	ErrBelowZero = fault.New(fault.Conflict, "InsufficientStock",
		"the adjustment would leave less on hand than is reserved")
	// ErrNotReserved says that the step needs a reservation with status RESERVED.
	ErrNotReserved = fault.New(fault.Conflict, "NotReserved", "the order's stock is not reserved")
	// ErrContended says that too many writers compete for the same stock. Nothing was changed.
	ErrContended = fault.New(fault.Transient, "Contention", "too many orders for the same product at once; try again")
)

// Store keeps stock and reservations.
type Store interface {
	commit.Log
	idempotency.Log
	// Shards returns the shards of a product's stock, from shard 0 on, or ErrNoStock. Each is read
	// consistently, but they are not read at one instant.
	Shards(ctx context.Context, sku string) ([]Shard, error)
	// CountAvailable returns how many units of up to 50 distinct products are available, by SKU.
	// Products without stock are left out. It stops counting a product's shards when it has found
	// enough. The reads are eventually consistent.
	CountAvailable(ctx context.Context, skus []string, enough int) (map[string]int, error)
	// Product reports whether LearnProduct has recorded the SKU.
	Product(ctx context.Context, sku string) (bool, error)
	// LearnProduct records that the catalog has a product with the SKU. Repeating it changes
	// nothing.
	LearnProduct(ctx context.Context, sku string) error
	// Reservation returns an order's reservation, or ErrNoReservation.
	Reservation(ctx context.Context, orderID string) (Reservation, error)
	// Reservations returns the reservations of up to 50 distinct orders, in their order. Orders
	// without one are left out.
	Reservations(ctx context.Context, orderIDs []string) ([]Reservation, error)
	// Move moves all parts of r from one bucket to another and stores r. The Parts that were stored
	// first are kept. It returns fault.ErrLostRace unless r is the version after the stored one,
	// and for each shard whose bucket holds too little a Blocked with ErrOutOfStock; see
	// AllBlocked. A reservation may also be blocked with ErrContended, soon enough that the caller
	// can try another shard.
	Move(ctx context.Context, r Reservation, from, to Bucket, with commit.With) error
	// Adjust makes a product's shards those of after, which may be more or fewer than before. It
	// returns fault.ErrLostRace unless the stored shards equal before, and may return ErrContended;
	// a shard that does not exist equals an empty one. Every shard of before and after gains.
	Adjust(ctx context.Context, before, after []Shard, with commit.With) error
	// Shift adds the difference between after and before to each bucket of a product's shards.
	// Unlike Adjust it keeps what orders have moved meanwhile. It returns fault.ErrLostRace unless
	// shard 0 has the gains of before and no bucket falls below zero. The shards it changes gain,
	// and shard 0. after has at least as many shards as before.
	Shift(ctx context.Context, before, after []Shard, with commit.With) error
	// Split returns the products that have several shards. The latest may be missing.
	Split(ctx context.Context) (skus []string, err error)
	// Overdue returns the reservations that have been RESERVED since before a time. A very recent
	// one may be missing. If some cannot be read, it returns the others and the error.
	Overdue(ctx context.Context, before time.Time) ([]Reservation, error)
}

// Service is inventory's use cases.
type Service struct {
	store  Store
	clock  clock.Clock
	events envelope.Publisher
	// split holds the last known number of shards, by SKU.
	split *sync.Map
	whole bool
}

// New returns the use cases over a store.
func New(store Store, c clock.Clock, source ids.Source) *Service {
	return &Service{
		store: store, clock: c, events: envelope.Publisher{Service: "inventory", Clock: c, IDs: source},
		split: &sync.Map{},
	}
}

// KeepWhole returns a copy of the service that does not split products. It is for the time in which
// an older version runs that knows only shard 0. It works with products that are split.
func (s *Service) KeepWhole() *Service {
	c := *s
	c.whole = true
	return &c
}

// stateEvents returns the event of r's new state.
func (s *Service) stateEvents(ctx context.Context, eventType string, r Reservation) []envelope.Event {
	return []envelope.Event{
		s.events.New(ctx, eventType, r.OrderID, r.Version, contract.StockMoved{OrderID: r.OrderID, Items: r.Items}),
	}
}

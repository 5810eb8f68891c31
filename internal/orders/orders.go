// Package orders takes orders and keeps where each stands.
//
// An order is placed as PENDING; what happens to it then is decided by steps of the fulfilment
// saga and by its customer, who may all come at once, late or twice. Two things keep that
// sound: every write is decided on a version of the order and fails if there is a newer one, and
// an order that was closed, by its customer or by a compensation, can never be confirmed.
//
// Prices come from a price book, a projection of catalog's events, so that placing an order
// calls no other service.
package orders

import (
	"context"
	"time"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
)

var (
	// ErrNoOrder: there is no such order, or it is not the caller's; the two are not told apart.
	ErrNoOrder = fault.New(fault.NotFound, "OrderNotFound", "there is no such order, or it is not yours")
	// ErrLines: an order has 1 to 40 lines of 1 to 999 pieces.
	ErrLines = fault.New(fault.Invalid, "InvalidLines", "an order has 1 to 40 lines of 1 to 999 pieces each")
	// ErrDuplicateSKU: a SKU stands in two lines.
	ErrDuplicateSKU = fault.New(fault.Refused, "DuplicateSku", "a SKU stands in two lines")
	// ErrUnknownSKU: a line names a product that is unknown or has no price yet.
	ErrUnknownSKU = fault.New(fault.Refused, "UnknownSku", "a line names a product that we do not sell")
	// ErrPostalCode: the address has no postal code, and addresses in its country need one.
	ErrPostalCode = fault.New(fault.Refused, "PostalCodeRequired", "an address in this country needs a postal code: send shippingAddress.postalCode")
	// ErrTotalChanged: the order would cost other than what the customer agreed to.
	ErrTotalChanged = fault.New(fault.Conflict, "TotalChanged", "the total is not the one that you expect")
	// ErrNotCancellable: the order has ended, or an operator is at work on it.
	ErrNotCancellable = fault.New(fault.Conflict, "OrderNotCancellable", "the order can no longer be cancelled")
	// ErrClosed: the order was closed, so it cannot be confirmed.
	ErrClosed = fault.New(fault.Conflict, "OrderClosed", "the order was closed before it could be confirmed")
	// ErrCursor: the cursor is not one that the customer's list returned.
	ErrCursor = fault.New(fault.Invalid, "InvalidCursor", "the cursor is not one that this list returned")
)

// Store keeps orders and the price book.
type Store interface {
	commit.Log
	idempotency.Log
	// Order returns an order, read consistently, or ErrNoOrder.
	Order(ctx context.Context, orderID string) (Order, error)
	// Orders returns up to limit orders of a customer, newest first, and the cursor of the next page, which is "" after
	// the last. cursor is "" or what an earlier call for this customer returned, else ErrCursor.
	Orders(ctx context.Context, customerID string, limit int, cursor string) ([]Order, string, error)
	// Overdue returns the orders that are PENDING and were placed before a time. One that changed a moment ago may be missing.
	// If some cannot be read, it returns the others and the error.
	Overdue(ctx context.Context, before time.Time) ([]Order, error)
	// OrdersByID returns up to 100 orders, read consistently, in any order; unknown ones are left out.
	OrdersByID(ctx context.Context, orderIDs []string) ([]Order, error)
	// PlaceOrder writes o, which is new (else fault.ErrLostRace), and counts it as open. If its customer is at one of the
	// limits when it is created, it writes nothing and fails with ErrAtLimit.
	PlaceOrder(ctx context.Context, o Order, limits Limits, with commit.With) error
	// SaveOrder writes o, which must be one version after what is stored (else fault.ErrLostRace). If o is final, it does not
	// count as open any more, and if it counts as declined, that is tallied.
	SaveOrder(ctx context.Context, o Order, with commit.With) error
	// Tally returns what counts against a customer's limits, read consistently.
	Tally(ctx context.Context, customerID string) (Tally, error)
	// Uncount has orders of a customer, which must be final, not count as open any more.
	Uncount(ctx context.Context, customerID string, orderIDs []string) error
	// Prices returns what the price book has of up to 40 distinct SKUs, by SKU; unknown ones are left out.
	Prices(ctx context.Context, skus []string) (map[string]Price, error)
	// Price returns what the price book has of a SKU, read consistently; the zero Price for nothing.
	Price(ctx context.Context, sku string) (Price, error)
	// SavePrice writes p. What is stored must be of version before, 0 for nothing (else fault.ErrLostRace).
	SavePrice(ctx context.Context, p Price, before int64, with commit.With) error
}

// Service is orders' use cases.
type Service struct {
	store  Store
	clock  clock.Clock
	ids    ids.Source
	events envelope.Publisher
	limits Limits
}

// New returns the use cases over a store, with DefaultLimits.
func New(store Store, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, clock: c, ids: source, limits: DefaultLimits, events: envelope.Publisher{Service: "orders", Clock: c, IDs: source}}
}

// Limited returns the use cases with other limits.
func (s *Service) Limited(l Limits) *Service {
	limited := *s
	limited.limits = l
	return &limited
}

// Access decides whether the caller may see what belongs to a customer.
type Access func(customerID string) bool

// find returns an order that the caller may see, or ErrNoOrder.
func (s *Service) find(ctx context.Context, orderID string, may Access) (Order, error) {
	o, err := s.store.Order(ctx, orderID)
	if err == nil && !may(o.CustomerID) {
		return Order{}, ErrNoOrder
	}
	return o, err
}

// save writes the order's new version together with the event that tells of it.
func (s *Service) save(ctx context.Context, o Order, eventType string, with commit.With) error {
	reason := o.Reason
	if eventType == contract.OrderCancellationRequested {
		reason = o.cancellation()
	}
	with.Events = []envelope.Event{s.events.New(ctx, eventType, o.OrderID, o.Version, contract.Changed{
		OrderID: o.OrderID, CustomerID: o.CustomerID, CustomerEmail: o.CustomerEmail, Total: o.Total, Reason: string(reason),
		TrackingNumber: o.TrackingNumber,
	})}
	return s.store.SaveOrder(ctx, o, with)
}

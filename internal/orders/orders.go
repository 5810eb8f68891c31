// Package orders accepts orders and owns their status.
//
// An order is placed as PENDING. Steps of the fulfilment saga and its customer then change it,
// possibly at the same time, late or twice. Two rules keep it consistent: every write is
// conditional on the order's version, and an order that its customer or a compensation has closed
// can never be confirmed.
//
// Prices come from a price book, a projection of catalog's events, so placing an order calls no
// other service.
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
	"orderflow/internal/platform/jsonschema"
)

var (
	// ErrNoOrder: the order does not exist, or is not the caller's. Callers cannot tell which.
	ErrNoOrder = fault.New(fault.NotFound, "OrderNotFound", "there is no such order, or it is not yours")
	// ErrLines: the order has too few or too many lines, or a line has too few or too many pieces.
	ErrLines = fault.New(fault.Invalid, "InvalidLines", "an order has 1 to 40 lines of 1 to 999 pieces each")
	// ErrDuplicateSKU: two lines have the same SKU.
	ErrDuplicateSKU = fault.New(fault.Refused, "DuplicateSku", "two lines have the same SKU")
	// ErrUnknownSKU: the price book has no price for a line's SKU.
	ErrUnknownSKU = fault.New(fault.Refused, "UnknownSku", "a line has an unknown SKU")
	// ErrPostalCode: the address has no postal code, but addresses in its country need one.
	ErrPostalCode = fault.New(fault.Refused, "PostalCodeRequired",
		"an address in this country needs a postal code: send shippingAddress.postalCode")
	// ErrTotalChanged: the total differs from the one that the customer agreed to.
	ErrTotalChanged = fault.New(fault.Conflict, "TotalChanged", "the order's total differs from expectedTotal")
	// ErrNotCancellable: the order has ended or needs attention.
	ErrNotCancellable = fault.New(fault.Conflict, "OrderNotCancellable", "the order can no longer be cancelled")
	// ErrClosed: the order was closed, so it cannot be confirmed.
	ErrClosed = fault.New(fault.Conflict, "OrderClosed", "the order was closed before it could be confirmed")
)

// at returns a refusal with JSON pointers to its causes in the order's request.
func at(refusal *fault.Error, pointers ...string) *fault.Error {
	violations := make([]jsonschema.Violation, len(pointers))
	for i, pointer := range pointers {
		violations[i] = jsonschema.Violation{Pointer: pointer, Code: refusal.Code, Detail: refusal.Detail}
	}
	return refusal.With("errors", violations)
}

// Store keeps orders and the price book.
type Store interface {
	commit.Log
	idempotency.Log
	IntakeStore
	// Order returns an order, read consistently, or ErrNoOrder.
	Order(ctx context.Context, orderID string) (Order, error)
	// Orders returns up to limit orders of a customer, newest first, and the next page's cursor, ""
	// after the last page. cursor is "" or from an earlier call for this customer; any other gets
	// fault.ErrCursor.
	Orders(ctx context.Context, customerID string, limit int, cursor string) ([]Order, string, error)
	// CursorAfter returns the cursor of the page after an order of a customer.
	CursorAfter(customerID, orderID string) string
	// Overdue returns the PENDING orders placed before a time. Orders that changed a moment ago may
	// be missing. If some cannot be read, it returns the others and the error.
	Overdue(ctx context.Context, before time.Time) ([]Order, error)
	// Waiting returns up to limit orders of the status, PENDING or NEEDS_ATTENTION, or of both for
	// "", that were placed before a time, oldest first, and the next page's cursor, "" after the
	// last page. cursor is "" or from an earlier call; any other gets fault.ErrCursor. Orders that
	// changed a moment ago may be missing.
	Waiting(ctx context.Context, status Status, before time.Time, limit int, cursor string) ([]Order, string, error)
	// OrdersByID returns up to 100 orders in any order, read consistently. Unknown ones are left
	// out.
	OrdersByID(ctx context.Context, orderIDs []string) ([]Order, error)
	// PlaceOrder writes o, which must be new (else fault.ErrLostRace), and counts it as open. If
	// its customer is at a limit when o is created, it writes nothing and fails with ErrAtLimit.
	PlaceOrder(ctx context.Context, o Order, limits Limits, with commit.With) error
	// SaveOrder writes o, which must be one version after what is stored (else fault.ErrLostRace).
	// A final order no longer counts as open, and is tallied if it counts as declined.
	SaveOrder(ctx context.Context, o Order, with commit.With) error
	// Tally returns what counts against a customer's limits, read consistently.
	Tally(ctx context.Context, customerID string) (Tally, error)
	// Uncount removes a customer's orders, which must be final, from those that count as open.
	Uncount(ctx context.Context, customerID string, orderIDs []string) error
	// Quote reads, consistently and in one call, what placing an order needs: the record of its
	// key, as Reply does (none if key is empty), the intake, and the prices of up to 40 distinct
	// SKUs. Unknown ones are left out.
	Quote(ctx context.Context, scope, key string, skus []string) (Quote, error)
	// Price returns the price of a SKU, read consistently; the zero Price if it has none.
	Price(ctx context.Context, sku string) (Price, error)
	// SavePrice writes p. The stored version must be before, 0 for none (else fault.ErrLostRace).
	SavePrice(ctx context.Context, p Price, before int64, with commit.With) error
}

// Service implements orders' use cases.
type Service struct {
	store  Store
	clock  clock.Clock
	ids    ids.Source
	events envelope.Publisher
	limits Limits
	// tracking is the address of the carrier's page; see TrackedAt.
	tracking string
}

// New returns a service with DefaultLimits.
func New(store Store, c clock.Clock, source ids.Source) *Service {
	events := envelope.Publisher{Service: "orders", Clock: c, IDs: source}
	return &Service{store: store, clock: c, ids: source, limits: DefaultLimits, events: events}
}

// Limited returns a copy of the service with other limits.
func (s *Service) Limited(l Limits) *Service {
	limited := *s
	limited.limits = l
	return &limited
}

// Access reports whether the caller may see a customer's orders.
type Access func(customerID string) bool

// find returns an order that the caller may see, or ErrNoOrder.
func (s *Service) find(ctx context.Context, orderID string, may Access) (Order, error) {
	o, err := s.store.Order(ctx, orderID)
	if err == nil && !may(o.CustomerID) {
		return Order{}, ErrNoOrder
	}
	return o, err
}

// save writes the order's new version and an event of this type in one commit.
func (s *Service) save(ctx context.Context, o Order, eventType string, with commit.With) error {
	reason := o.Reason
	if eventType == contract.OrderCancellationRequested {
		reason = o.cancelReason()
	}
	with.Events = []envelope.Event{s.events.New(ctx, eventType, o.OrderID, o.Version, contract.Changed{
		OrderID: o.OrderID, CustomerID: o.CustomerID, CustomerEmail: o.CustomerEmail, Total: o.Total,
		Reason: string(reason), TrackingNumber: o.TrackingNumber,
	})}
	return s.store.SaveOrder(ctx, o, with)
}

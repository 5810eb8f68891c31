// Package gateway answers requests that need several services. It owns no data and decides nothing.
// It calls the services through their HTTP contract with the caller's token, so that each checks
// what the caller may see.
package gateway

import (
	"context"
	"encoding/json"
	"time"

	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
)

// Backend is a service behind the gateway, by its name in the registry.
type Backend string

// The services that the gateway calls.
const (
	Orders    Backend = "orders"
	Payments  Backend = "payments"
	Inventory Backend = "inventory"
	Shipping  Backend = "shipping"
	Catalog   Backend = "catalog"
)

// SummaryBackends are the services with a part of a summary, in the order of its parts.
var SummaryBackends = [...]Backend{Orders, Payments, Inventory, Shipping}

// AllBackends are all services with an API, in the order of health reports.
var AllBackends = [...]Backend{Orders, Payments, Inventory, Shipping, Catalog}

const (
	// SummaryTimeout is the timeout of a summary.
	SummaryTimeout = 2500 * time.Millisecond
	// HealthTimeout is the timeout of the services' health: health.All and a cold start.
	HealthTimeout = 2 * time.Second
	// Margin is the part of the invocation's time that is reserved for writing the response.
	Margin = 300 * time.Millisecond
)

// ErrUnavailable: no service is available.
var ErrUnavailable = fault.New(fault.Transient, "Unavailable", "no service is available at the moment; try again")

// Backends calls the services.
type Backends interface {
	// Get returns b's part of an order's summary, a JSON object. It sends the caller's
	// Authorization header. If b refuses, the error is a fault of kind NotFound, Unauthenticated or
	// Forbidden with b's code and detail. Any other error is a failure. Get returns soon after ctx
	// ends.
	Get(ctx context.Context, b Backend, orderID, authorization string) (json.RawMessage, error)
}

// Service implements the gateway's use cases about orders.
type Service struct{ backends Backends }

// New returns a service that calls the backends.
func New(b Backends) *Service { return &Service{backends: b} }

// Bounded gives a request of an edge SummaryTimeout.
func Bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return bounded(ctx, SummaryTimeout)
}

// bounded returns a context that ends after limit, or Margin before the end of the invocation. A
// deadline that the caller chose has no margin.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && !deadline.Chosen(ctx) {
		ctx, cancel := context.WithDeadline(ctx, end.Add(-Margin))
		inner, cancelInner := context.WithTimeout(ctx, limit)
		return inner, func() { cancelInner(); cancel() }
	}
	return context.WithTimeout(ctx, limit)
}

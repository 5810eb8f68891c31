// Package gateway is the edge: what a caller asks for at one go but several services know.
// It owns no data and decides nothing. It asks the services through their HTTP contract, as
// the caller, so that each of them checks itself what the caller may see.
package gateway

import (
	"context"
	"encoding/json"
	"time"

	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
)

// Backend is a service behind the edge, by its name in the registry.
type Backend string

// The services that the edge asks.
const (
	Orders    Backend = "orders"
	Payments  Backend = "payments"
	Inventory Backend = "inventory"
	Shipping  Backend = "shipping"
	Catalog   Backend = "catalog"
)

// Asked is every service that knows something of an order, in the order of answers.
var Asked = [...]Backend{Orders, Payments, Inventory, Shipping}

// Serving is every service with an API of its own, in the order of answers.
var Serving = [...]Backend{Orders, Payments, Inventory, Shipping, Catalog}

const (
	// SummaryTimeout bounds all of a summary.
	SummaryTimeout = 2500 * time.Millisecond
	// HealthTimeout bounds all of a look at the services' health. Each of them takes health.All at most, and its start.
	HealthTimeout = 2 * time.Second
	// Margin is kept of the invocation's own time, to write down the answer.
	Margin = 300 * time.Millisecond
)

// ErrNothing says that not one service could be asked.
var ErrNothing = fault.New(fault.Transient, "Unavailable", "none of the services can be asked at the moment; try again")

// Backends asks the services for what they know.
type Backends interface {
	// Get returns what b knows of the order, a JSON object, asking with the caller's own
	// Authorization header. Where b says no, the error is a fault of kind NotFound,
	// Unauthenticated or Forbidden with b's code and detail; any other error is a failure. It returns soon after ctx ends.
	Get(ctx context.Context, b Backend, orderID, authorization string) (json.RawMessage, error)
}

// Service is the edge's use cases about orders.
type Service struct{ backends Backends }

// New returns the use cases over the services.
func New(b Backends) *Service { return &Service{backends: b} }

// bounded gives the work limit of time, or less where the invocation itself has less than limit and Margin left. Of a
// deadline that the caller chose nothing is kept back.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && !deadline.Chosen(ctx) {
		ctx, cancel := context.WithDeadline(ctx, end.Add(-Margin))
		inner, cancelInner := context.WithTimeout(ctx, limit)
		return inner, func() { cancelInner(); cancel() }
	}
	return context.WithTimeout(ctx, limit)
}

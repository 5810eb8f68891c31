// Package gateway is the edge: what a caller asks for at one go but several services know.
// It owns no data and decides nothing. It asks the services through their HTTP contract, as
// the caller, so that each of them checks itself what the caller may see.
package gateway

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
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
)

// backends is every service that is asked, in the order of answers.
var backends = [...]Backend{Orders, Payments, Inventory, Shipping}

const (
	// SummaryTimeout bounds all of a summary.
	SummaryTimeout = 2500 * time.Millisecond
	// CheckTimeout bounds all of a readiness check.
	CheckTimeout = time.Second
	// CheckFresh is how long a check's outcome is told again instead of asking anew, so that
	// anonymous callers cannot make the edge knock at the services all the time.
	CheckFresh = 5 * time.Second
	// Margin is kept of the invocation's own time, to write down the answer.
	Margin = 300 * time.Millisecond
)

// ErrNothing says that not one service could be asked.
var ErrNothing = fault.New(fault.Transient, "Unavailable", "none of the services can be asked at the moment; try again")

// Backends asks the services. Both methods return soon after ctx ends.
type Backends interface {
	// Get returns what b knows of the order, a JSON object, asking with the caller's own
	// Authorization header. Where b says no, the error is a fault of kind NotFound,
	// Unauthenticated or Forbidden with b's code and detail; any other error is a failure.
	Get(ctx context.Context, b Backend, orderID, authorization string) (json.RawMessage, error)
	// Ping returns nil if b answers its API, where an anonymous request must be turned away.
	Ping(ctx context.Context, b Backend) error
}

// Service is the edge's use cases.
type Service struct {
	backends Backends
	clock    clock.Clock

	mu     sync.Mutex // held while checking: callers at the same time share one check
	health Health
	until  time.Time
}

// New returns the use cases over the services.
func New(b Backends, c clock.Clock) *Service { return &Service{backends: b, clock: c} }

// bounded gives the work limit of time, or less where the invocation itself has less than limit and Margin left.
func bounded(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok {
		ctx, cancel := context.WithDeadline(ctx, end.Add(-Margin))
		inner, cancelInner := context.WithTimeout(ctx, limit)
		return inner, func() { cancelInner(); cancel() }
	}
	return context.WithTimeout(ctx, limit)
}

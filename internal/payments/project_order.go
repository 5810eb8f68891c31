package payments

import (
	"context"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// OrderStatus is how an order ended, or that it needs an operator.
type OrderStatus string

// The order statuses that payments tracks. It knows nothing of an order in progress.
const (
	OrderConfirmed      OrderStatus = "CONFIRMED"
	OrderRejected       OrderStatus = "REJECTED"
	OrderCancelled      OrderStatus = "CANCELLED"
	OrderNeedsAttention OrderStatus = "NEEDS_ATTENTION"
)

// Outcome is how an order ended, projected from orders' events.
type Outcome struct {
	OrderID string
	Status  OrderStatus
	// Version is the order's version.
	Version int64
}

// Identity implements commit.Aggregate.
func (o Outcome) Identity() (id string, version int64) { return o.OrderID, o.Version }

var outcomes = map[string]OrderStatus{
	orders.OrderConfirmed: OrderConfirmed, orders.OrderRejected: OrderRejected,
	orders.OrderCancelled: OrderCancelled, orders.OrderNeedsAttention: OrderNeedsAttention,
}

// ProjectOrder stores an order's status from an event, unless this or a newer one is stored: events
// arrive in any order, and twice. The version is its barrier.
func (s *Service) ProjectOrder(ctx context.Context, eventType, orderID string, version int64) error {
	status, ok := outcomes[eventType]
	if !ok {
		return nil
	}
	next := Outcome{OrderID: orderID, Status: status, Version: version}
	_, err := fault.RetryLostRace(func() (struct{}, error) {
		known, err := s.store.Outcome(ctx, orderID)
		if err != nil || known.Version >= version {
			return struct{}{}, err
		}
		return struct{}{}, s.store.SaveOutcome(ctx, next, known.Version, commit.With{})
	})
	return err
}

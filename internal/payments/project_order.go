package payments

import (
	"context"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
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

// projectOrder is the event handler's name, used as a barrier key.
const projectOrder = "project-order"

var outcomes = map[string]OrderStatus{
	orders.OrderConfirmed: OrderConfirmed, orders.OrderRejected: OrderRejected,
	orders.OrderCancelled: OrderCancelled, orders.OrderNeedsAttention: OrderNeedsAttention,
}

// ProjectOrder stores an order's status from an event, unless a newer one is stored: events arrive
// in any order.
func (s *Service) ProjectOrder(ctx context.Context, eventID, eventType, orderID string, version int64) error {
	status, ok := outcomes[eventType]
	if !ok {
		return nil
	}
	return barrier.Consume(ctx, s.store, projectOrder, eventID, func(ctx context.Context, once barrier.Once) error {
		with := commit.With{Barrier: once.Returning(struct{}{})}
		known, err := s.store.Outcome(ctx, orderID)
		if err != nil {
			return err
		}
		if version <= known.Version {
			return s.store.Record(ctx, with)
		}
		return s.store.SaveOutcome(ctx, Outcome{OrderID: orderID, Status: status, Version: version}, known.Version,
			with)
	})
}

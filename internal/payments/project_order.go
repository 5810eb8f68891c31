package payments

import (
	"context"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// OrderStatus is how an order ended, or that it waits for an operator.
type OrderStatus string

// What payments is told of orders. Nothing is told of one that is under way.
const (
	OrderConfirmed      OrderStatus = "CONFIRMED"
	OrderRejected       OrderStatus = "REJECTED"
	OrderCancelled      OrderStatus = "CANCELLED"
	OrderNeedsAttention OrderStatus = "NEEDS_ATTENTION"
)

// Outcome is payments' own note of how an order ended: a projection of orders' events.
type Outcome struct {
	OrderID string
	Status  OrderStatus
	// Version is that of the order.
	Version int64
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (o Outcome) Identity() (id string, version int64) { return o.OrderID, o.Version }

// projectOrder is the name of the event handler, by which barriers know it.
const projectOrder = "project-order"

var outcomes = map[string]OrderStatus{
	orders.OrderConfirmed: OrderConfirmed, orders.OrderRejected: OrderRejected,
	orders.OrderCancelled: OrderCancelled, orders.OrderNeedsAttention: OrderNeedsAttention,
}

// ProjectOrder notes what the event with this id tells of an order, unless newer is known: events come in any order.
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
		return s.store.SaveOutcome(ctx, Outcome{OrderID: orderID, Status: status, Version: version}, known.Version, with)
	})
}

package handler

import (
	"context"
	"log/slog"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// observed is a store that logs and measures changes of orders once, when they are committed. The
// result of a use case does not show whether it is a replay.
type observed struct{ orders.Store }

// Observed returns a store that logs and measures the changes of s.
func Observed(s orders.Store) orders.Store { return observed{s} }

// PlaceOrder writes a new order and counts it.
func (s observed) PlaceOrder(ctx context.Context, o orders.Order, limits orders.Limits, with commit.With) error {
	if err := s.Store.PlaceOrder(ctx, o, limits, with); err != nil {
		return err
	}
	ctx = withOrderID(ctx, o)
	metrics.Count(ctx, metrics.OrdersPlaced, 1)
	logStored(ctx, o)
	return nil
}

// SaveOrder writes an order and measures it unless it is PENDING.
func (s observed) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if err := s.Store.SaveOrder(ctx, o, with); err != nil || o.Status == orders.StatusPending {
		return err
	}
	ctx = withOrderID(ctx, o)
	metrics.Count(ctx, metrics.OrdersFinished, 1, metrics.Status(string(o.Status)), metrics.Reason(string(o.Reason)))
	if o.Status.Final() {
		metrics.Duration(ctx, metrics.SagaDuration, o.UpdatedAt.Sub(o.CreatedAt), metrics.Status(string(o.Status)))
	}
	logStored(ctx, o)
	return nil
}

func withOrderID(ctx context.Context, o orders.Order) context.Context {
	return function.WithLogAttrs(ctx, slog.String("orderId", o.OrderID), slog.String("sagaId", o.OrderID))
}

func logStored(ctx context.Context, o orders.Order) {
	slog.InfoContext(ctx, "order stored", "status", string(o.Status), "reason", string(o.Reason), "version", o.Version)
}

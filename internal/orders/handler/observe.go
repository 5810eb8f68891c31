package handler

import (
	"context"
	"log/slog"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// observed is a store that tells what became of orders. It sees each change once, when it is
// committed: the use cases are called again for what has happened already, and their results do not
// say so.
type observed struct{ orders.Store }

// PlaceOrder writes a new order, and tells that it was placed.
func (s observed) PlaceOrder(ctx context.Context, o orders.Order, limits orders.Limits, with commit.With) error {
	if err := s.Store.PlaceOrder(ctx, o, limits, with); err != nil {
		return err
	}
	ctx = about(ctx, o)
	metrics.Count(ctx, metrics.OrdersPlaced, 1)
	stored(ctx, o)
	return nil
}

// SaveOrder writes an order, and tells if it has come to an end by that.
func (s observed) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if err := s.Store.SaveOrder(ctx, o, with); err != nil || o.Status == orders.StatusPending {
		return err
	}
	ctx = about(ctx, o)
	metrics.Count(ctx, metrics.OrdersFinished, 1, metrics.Status(string(o.Status)), metrics.Reason(string(o.Reason)))
	if o.Status.Final() {
		metrics.Duration(ctx, metrics.SagaDuration, o.UpdatedAt.Sub(o.CreatedAt), metrics.Status(string(o.Status)))
	}
	stored(ctx, o)
	return nil
}

func about(ctx context.Context, o orders.Order) context.Context {
	return function.WithLogAttrs(ctx, slog.String("orderId", o.OrderID), slog.String("sagaId", o.OrderID))
}

func stored(ctx context.Context, o orders.Order) {
	slog.InfoContext(ctx, "order stored", "status", string(o.Status), "reason", string(o.Reason), "version", o.Version)
}

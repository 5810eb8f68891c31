package handler

import (
	"context"
	"log/slog"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// observed is a store that tells what became of orders. It sees each change once, when it is committed: the use cases are called
// again for what has happened already, and their results do not say so.
type observed struct{ orders.Store }

// SaveOrder writes an order, and tells if it was placed or has come to an end by that.
func (s observed) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if err := s.Store.SaveOrder(ctx, o, with); err != nil {
		return err
	}
	ctx = function.WithLogAttrs(ctx, slog.String("orderId", o.OrderID), slog.String("sagaId", o.OrderID))
	switch {
	case o.Version == 1:
		metrics.Count(ctx, metrics.OrdersPlaced, 1)
	case o.Status == orders.StatusPending:
		return nil
	default:
		metrics.Count(ctx, metrics.OrdersFinished, 1, metrics.Status(string(o.Status)), metrics.Reason(string(o.Reason)))
		if o.Status.Final() {
			metrics.Duration(ctx, metrics.SagaDuration, o.UpdatedAt.Sub(o.CreatedAt), metrics.Status(string(o.Status)))
		}
	}
	slog.InfoContext(ctx, "order stored", "status", string(o.Status), "reason", string(o.Reason), "version", o.Version)
	return nil
}

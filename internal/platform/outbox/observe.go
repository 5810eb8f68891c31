package outbox

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// logPublished says that an event went out and how old it was by then, in the trace that it belongs to.
func logPublished(ctx context.Context, e envelope.Event) {
	ctx = function.WithLogAttrs(function.Traced(ctx, e.TraceParent),
		slog.String("eventId", e.ID), slog.String("eventType", e.Type), slog.String("subject", e.Subject))
	metrics.Since(ctx, metrics.OutboxLag, e.Time)
	slog.DebugContext(ctx, "event published", "aggregateVersion", e.AggregateVersion)
}

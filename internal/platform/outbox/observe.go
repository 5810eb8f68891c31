package outbox

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// logPublished logs that an event was published and records its age, both in the event's trace.
func logPublished(ctx context.Context, e envelope.Event) {
	ctx = function.WithLogAttrs(function.Traced(ctx, e.TraceParent),
		slog.String("eventId", e.ID), slog.String("eventType", e.Type), slog.String("subject", e.Subject))
	metrics.Since(ctx, metrics.OutboxLag, e.Time)
	slog.DebugContext(ctx, "event published", "aggregateVersion", e.AggregateVersion)
}

// logPutAside logs that an event waits for a sweep.
func logPutAside(ctx context.Context, e envelope.Event, cause error) {
	slog.WarnContext(function.Traced(ctx, e.TraceParent), "event put aside for the sweep",
		"eventId", e.ID, "eventType", e.Type, "subject", e.Subject, "error", cause.Error())
}

// logMalformed logs what is not an event. Its content may be anything, so only its place is logged.
func logMalformed(ctx context.Context, i Item) {
	if i.PK == "" {
		i.SK = i.ID() // where PutAside puts it
	}
	slog.ErrorContext(ctx, "not an event in the outbox", "pk", i.PK, "sk", i.SK)
}

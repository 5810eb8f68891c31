package consumer

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/rawjson"
)

// received records how long a message waited, and adds its id and receive count to log lines.
func received(ctx context.Context, m events.SQSMessage) context.Context {
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		metrics.Since(ctx, metrics.QueueAge, time.UnixMilli(ms))
	}
	return withMessage(ctx, m)
}

// withMessage adds a message's id and receive count to log lines.
func withMessage(ctx context.Context, m events.SQSMessage) context.Context {
	ctx = function.WithLogAttrs(ctx, slog.String("messageId", m.MessageId))
	if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
		ctx = function.WithLogAttrs(ctx, slog.Int("attempt", n))
	}
	return ctx
}

// withLogAttrs adds the event, and the order in its data if there is one, to log lines.
func withLogAttrs(ctx context.Context, e envelope.Event) context.Context {
	ctx = function.WithLogAttrs(ctx, slog.String("eventId", e.ID), slog.String("eventType", e.Type),
		slog.String("subject", e.Subject))
	if order := rawjson.String(e.Data, "orderId"); ids.Valid(order) {
		ctx = function.WithLogAttrs(ctx, slog.String("orderId", order), slog.String("sagaId", order))
	}
	slog.DebugContext(ctx, "event received", "aggregateVersion", e.AggregateVersion)
	return ctx
}

package consumer

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics"
)

// received tells how long a message waited, and how often it was received, where the queue says so.
func received(ctx context.Context, m events.SQSMessage) context.Context {
	if ms, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64); err == nil {
		metrics.Since(ctx, metrics.QueueAge, time.UnixMilli(ms))
	}
	ctx = function.WithLogAttrs(ctx, slog.String("messageId", m.MessageId))
	if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil {
		ctx = function.WithLogAttrs(ctx, slog.Int("attempt", n))
	}
	return ctx
}

// about puts the order that an event is about, if it is, into the log lines: in its data, as all our contracts have it.
func about(ctx context.Context, e envelope.Event) context.Context {
	var data struct {
		OrderID string `json:"orderId"`
	}
	if json.Unmarshal(e.Data, &data) == nil && ids.Valid(data.OrderID) {
		ctx = function.WithLogAttrs(ctx, slog.String("orderId", data.OrderID), slog.String("sagaId", data.OrderID))
	}
	slog.DebugContext(ctx, "event comes", "aggregateVersion", e.AggregateVersion)
	return ctx
}

package httpapi

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics"
)

// replayed is the header of an answer that repeats an earlier one.
const replayed = "Idempotent-Replayed"

// about puts the operation, and the order whose address is asked for, into the log lines. What is no id is left out: it is whatever somebody sent.
func about(ctx context.Context, r *Request) context.Context {
	ctx = function.WithLogAttrs(ctx, slog.String("operation", r.operation))
	if id := r.Path["orderId"]; ids.Valid(id) {
		ctx = function.WithLogAttrs(ctx, slog.String("orderId", id))
	}
	return ctx
}

// observeResponse records how a request was answered.
func observeResponse(ctx context.Context, res Response) {
	if res.Header[replayed] != "" {
		metrics.Count(ctx, metrics.IdempotentReplays, 1)
	}
	slog.DebugContext(ctx, "request answered", "status", res.Status)
}

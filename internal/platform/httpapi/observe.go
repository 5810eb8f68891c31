package httpapi

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics"
)

// replayed is the header of a replayed response.
const replayed = "Idempotent-Replayed"

// withLogAttrs adds the operation and the path's order id to log lines. An invalid id is left out,
// because it could be any text.
func withLogAttrs(ctx context.Context, r *Request) context.Context {
	ctx = function.WithLogAttrs(ctx, slog.String("operation", r.operation))
	if id := r.Path["orderId"]; ids.Valid(id) {
		ctx = function.WithLogAttrs(ctx, slog.String("orderId", id))
	}
	return ctx
}

// observeResponse logs the response and counts replays.
func observeResponse(ctx context.Context, res Response) {
	if res.Header[replayed] != "" {
		metrics.Count(ctx, metrics.IdempotentReplays, 1)
	}
	slog.DebugContext(ctx, "request answered", "status", res.Status)
}

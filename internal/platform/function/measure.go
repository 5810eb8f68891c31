package function

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/metrics"
)

// metered gives every invocation an emitter of metrics, and counts cold starts and failures. Nothing is recorded without a STAGE:
// what has none is no function of the shop.
func metered(out io.Writer, c clock.Clock, env func(string) (string, bool), who program, next Handler) HandlerFunc {
	stage, _ := env("STAGE")
	if stage == "" {
		return next.Invoke
	}
	emitter := metrics.NewEmitter(out, c, metrics.Labels{Stage: stage, Service: who.service, Function: who.function}, properties)
	var warm atomic.Bool
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx = metrics.With(ctx, emitter)
		if !warm.Swap(true) {
			metrics.Count(ctx, metrics.ColdStarts, 1)
		}
		res, err := next.Invoke(ctx, payload)
		if err != nil {
			metrics.Count(noted(ctx), metrics.InvocationFailures, 1)
		}
		return res, err
	}
}

// properties returns the identifiers that stand beside a metric.
func properties(ctx context.Context) []slog.Attr {
	return slices.DeleteFunc(slices.Clone(LogAttrs(ctx)), func(a slog.Attr) bool {
		return !slices.Contains([]string{"requestId", "traceId", "orderId", "eventId"}, a.Key)
	})
}

// program is which function of which service runs.
type program struct{ service, function string }

type running struct{}

// withProgram makes Step know which function runs.
func withProgram(who program, next Handler) HandlerFunc {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		return next.Invoke(context.WithValue(ctx, running{}, who), payload)
	}
}

// Step returns what the state machines call the function that runs, ReserveStock for reserve-stock; "" outside Lambda.
func Step(ctx context.Context) string {
	who, _ := ctx.Value(running{}).(program)
	return casing.Camel(who.function)
}

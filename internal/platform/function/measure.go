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

// metered gives every invocation a metrics emitter, and counts cold starts and failures. Without
// STAGE it records nothing: every function of the shop has one.
func metered(out io.Writer, c clock.Clock, env func(string) (string, bool), who program, next Handler) HandlerFunc {
	emitter := emitter(out, c, env, who)
	if emitter == nil {
		return next.Invoke
	}
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

// emitter returns the emitter of a program, nil without STAGE.
func emitter(out io.Writer, c clock.Clock, env func(string) (string, bool), who program) *metrics.Emitter {
	stage, _ := env("STAGE")
	if stage == "" {
		return nil
	}
	labels := metrics.Labels{Stage: stage, Service: who.service, Function: who.function}
	return metrics.NewEmitter(out, c, labels, properties)
}

// properties returns the identifiers that are recorded with a metric.
func properties(ctx context.Context) []slog.Attr {
	return slices.DeleteFunc(slices.Clone(LogAttrs(ctx)), func(a slog.Attr) bool {
		return !slices.Contains([]string{"requestId", "traceId", "orderId", "eventId"}, a.Key)
	})
}

// program is the function that runs and its service.
type program struct{ service, function string }

type running struct{}

// withProgram tells Step which function runs.
func withProgram(who program, next Handler) HandlerFunc {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		return next.Invoke(context.WithValue(ctx, running{}, who), payload)
	}
}

// Step returns the state machines' name of the function that runs, such as ReserveStock for
// reserve-stock. It is "" outside Lambda.
func Step(ctx context.Context) string {
	who, _ := ctx.Value(running{}).(program)
	return casing.Camel(who.function)
}

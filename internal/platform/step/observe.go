package step

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// defective reports whether an attempt failed by a fault of our own. A nil error has no kind, which counts as transient.
func defective(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Internal || kind == fault.Invalid
}

// begin tells of an attempt at a step in logs and metrics; done must be called with what came of it. A saga goes by the id of its order.
func begin(ctx context.Context, orderID string) (_ context.Context, done func(error)) {
	name := function.Step(ctx)
	ctx = function.WithLogAttrs(ctx, slog.String("sagaId", orderID), slog.String("step", name))
	function.Note(ctx)
	slog.DebugContext(ctx, "step begins")
	took := metrics.Stopwatch(ctx)
	return ctx, func(err error) {
		metrics.Duration(ctx, metrics.StepDuration, took(), metrics.Step(name))
		outcome := "done"
		if err != nil {
			outcome = named(err).Type
		}
		if defective(err) {
			metrics.Count(ctx, metrics.StepDefects, 1, metrics.Step(name))
		}
		slog.DebugContext(ctx, "step ends", "outcome", outcome)
	}
}

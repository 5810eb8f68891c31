package step

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
)

// isDefect reports whether err is a defect in our code. A nil error counts as transient.
func isDefect(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Internal || kind == fault.Invalid
}

// begin logs and measures an attempt at a step; done takes its outcome. A saga's id is its order's.
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
		if isDefect(err) {
			metrics.Count(ctx, metrics.StepDefects, 1, metrics.Step(name))
		}
		slog.DebugContext(ctx, "step ends", "outcome", outcome)
	}
}

package barrier

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/metrics"
)

// duplicate tells that a step was not run, since its record was there.
func duplicate(ctx context.Context, rec Record) {
	metrics.Count(ctx, metrics.DuplicateSteps, 1, metrics.Step(rec.Step))
	slog.DebugContext(ctx, "barrier: the step is not run again", "barrierStep", rec.Step, "phase", string(rec.Phase), "origin", string(rec.Origin))
}

// undone tells that a compensation took effect, and which of its actions it found not done.
func undone(ctx context.Context, step string, once Once) {
	metrics.Count(ctx, metrics.Compensations, 1, metrics.Step(step))
	slog.DebugContext(ctx, "barrier: the step is undone", "barrierStep", step, "neverDone", once.undone)
}

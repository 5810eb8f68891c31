package barrier

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/metrics"
)

// duplicate logs and counts a step that already has a record.
func duplicate(ctx context.Context, rec Record) {
	metrics.Count(ctx, metrics.DuplicateSteps, 1, metrics.Step(rec.Step))
	slog.DebugContext(ctx, "barrier: duplicate step not run",
		"barrierStep", rec.Step, "phase", string(rec.Phase), "origin", string(rec.Origin))
}

// compensated logs and counts a compensation that took effect, and logs the actions that it barred.
func compensated(ctx context.Context, step string, once Once) {
	metrics.Count(ctx, metrics.Compensations, 1, metrics.Step(step))
	slog.DebugContext(ctx, "barrier: step compensated", "barrierStep", step, "neverDone", once.barred)
}

// Package schedule turns a use case into a function that runs on a schedule. The payload is
// ignored. A lost or duplicate call does no harm, because every run checks everything.
package schedule

import (
	"context"
	"encoding/json"
	"log/slog"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/tracing"
)

// Report counts what a run found, by kind.
type Report map[string]int

// Handle returns the function of a use case. Findings are logged, even if the run failed.
func Handle(run func(context.Context) (Report, error)) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		ctx, span := tracing.Start(function.Traced(ctx), function.Name(ctx), tracing.Internal)
		found, err := run(ctx)
		tracing.End(span, err)
		for kind, n := range found {
			if n > 0 {
				slog.WarnContext(ctx, "scheduled run has findings", "kind", kind, "count", n)
			}
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(found)
	})
}

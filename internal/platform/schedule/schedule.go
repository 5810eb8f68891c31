// Package schedule turns a use case into a function that a schedule calls. What calls it says nothing, so the payload is
// not looked at; a call that is lost or comes twice does no harm, since the next one looks at everything again.
package schedule

import (
	"context"
	"encoding/json"
	"log/slog"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/tracing"
)

// Report counts what a run came upon, by kind.
type Report map[string]int

// Handle returns the function of a use case. What it found is logged if that is anything, also where it failed on the rest.
func Handle(run func(context.Context) (Report, error)) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		ctx, span := tracing.Start(function.Traced(ctx), function.Name(), tracing.Internal)
		found, err := run(ctx)
		tracing.End(span, err)
		for kind, n := range found {
			if n > 0 {
				slog.WarnContext(ctx, "the sweep found something", "kind", kind, "count", n)
			}
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(found)
	})
}

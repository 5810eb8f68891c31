package function

import (
	"context"
	"io"
	"log/slog"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/tracing"
)

// Process is the bootstrap of a program that serves without Lambda. It sets the logger, and returns
// the environment, a context with the program's metrics and spans, and what sends the spans so far.
func Process(
	ctx context.Context, out io.Writer, lookup func(string) (string, bool), service, name string,
) (_ context.Context, env *Env, flush func(context.Context)) {
	slog.SetDefault(LoggerOf(out, name, verbosity(lookup)))
	env = NewEnv(lookup, clock.System{})
	if e := emitter(out, env.Clock, lookup, program{service, name}); e != nil {
		ctx = metrics.With(ctx, e)
	}
	p := provider(lookup, name, env.Clock)
	if p == nil {
		return ctx, env, func(context.Context) {}
	}
	return tracing.WithProvider(ctx, p), env, p.Exporter.Flush
}

package function

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/xray"
	"orderflow/internal/platform/tracing/zipkin"
)

// Environment variables for the export of spans.
const (
	// tracesURL is a collector of Zipkin's format. It takes precedence over the X-Ray daemon.
	tracesURL = "TRACES_URL"
	// xrayDaemon is set by Lambda if the function's tracing is active.
	xrayDaemon = "AWS_XRAY_DAEMON_ADDRESS"
	// sampling is the share of new traces that is sampled, from 0 to 1. By default a collector gets
	// all traces. X-Ray, which charges by the trace, gets xrayRatio.
	sampling = "TRACE_SAMPLING"
)

// xrayRatio is the share that X-Ray's default rule samples after the first request of each second.
const xrayRatio = 0.05

// provider returns the provider of a function's spans, nil if no exporter is configured.
func provider(lookup func(string) (string, bool), name string, c clock.Clock) *tracing.Provider {
	var exporter tracing.Exporter
	ratio := 1.0
	if url, _ := lookup(tracesURL); url != "" {
		exporter = &zipkin.Exporter{URL: url, Clock: c}
	} else if address, _ := lookup(xrayDaemon); address != "" {
		exporter, ratio = xray.To(address), xrayRatio
	} else {
		return nil
	}
	if text, _ := lookup(sampling); text != "" {
		if r, err := strconv.ParseFloat(text, 64); err == nil && r >= 0 && r <= 1 {
			ratio = r
		} else {
			slog.Warn("invalid sampling ratio: using the default", "variable", sampling)
		}
	}
	return tracing.NewProvider(name, exporter, ratio)
}

// traced runs every invocation with the provider and with the trace that Lambda passes.
func traced(p *tracing.Provider, next Handler) HandlerFunc {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		if p != nil {
			ctx = tracing.WithProvider(ctx, p)
			defer p.Exporter.Flush(ctx)
		}
		// The Lambda library stores the header under this key.
		header, _ := ctx.Value("x-amzn-trace-id").(string)
		return next.Invoke(tracing.WithLambda(ctx, header), payload)
	}
}

// Name returns the name of the function that runs, for spans without a better name. Outside Lambda
// several may run in one process.
func Name(ctx context.Context) string {
	who, _ := ctx.Value(running{}).(program)
	return cmp.Or(lambdacontext.FunctionName, who.function, "function")
}

// Arrived returns ctx with the trace of an external request, and the trace id that its caller sent,
// if any. A caller must not choose what is sampled or logged at DEBUG, so its own trace is never
// continued. Lambda's trace is continued unless the request contains a sampling decision, or the
// trace id, which the caller may have chosen, would log other lines than a new trace.
func Arrived(ctx context.Context, h http.Header) (_ context.Context, caller string) {
	caller, decides := tracing.Caller(h)
	fresh := tracing.Afresh(ctx)
	if decides || tracing.TraceID(ctx) == "" || debugEnabled(ctx) != debugEnabled(fresh) {
		ctx = fresh
	}
	return Traced(ctx), caller
}

func debugEnabled(ctx context.Context) bool { return slog.Default().Enabled(ctx, slog.LevelDebug) }

// Traced returns ctx with the first well-formed trace context (see tracing.With), else with the
// trace of ctx, else with a new trace.
func Traced(ctx context.Context, contexts ...string) context.Context {
	ctx = tracing.Begin(tracing.With(ctx, contexts...))
	return WithLogAttrs(ctx, slog.String("traceId", tracing.TraceID(ctx)))
}

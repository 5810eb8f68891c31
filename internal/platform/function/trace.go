package function

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/xray"
	"orderflow/internal/platform/tracing/zipkin"
)

// Variables that say where spans go.
const (
	// tracesURL is a collector that speaks Zipkin's format; it comes before the X-Ray daemon.
	tracesURL = "TRACES_URL"
	// xrayDaemon is set by Lambda where the function's tracing is active.
	xrayDaemon = "AWS_XRAY_DAEMON_ADDRESS"
	// sampling is the share of new traces that is sampled, from 0 to 1; all of them where it is not set.
	sampling = "TRACE_SAMPLING"
)

// provider makes the spans of a function; it is nil where they have nowhere to go.
func provider(lookup func(string) (string, bool), name string, c clock.Clock) *tracing.Provider {
	p := &tracing.Provider{Function: name, Ratio: 1, Clock: c}
	if text, _ := lookup(sampling); text != "" {
		ratio, err := strconv.ParseFloat(text, 64)
		if err != nil || ratio < 0 || ratio > 1 {
			slog.Warn("every trace is sampled: the share cannot be read", "variable", sampling)
			ratio = 1
		}
		p.Ratio = ratio
	}
	if url, _ := lookup(tracesURL); url != "" {
		p.Exporter = &zipkin.Exporter{URL: url, Clock: c}
		return p
	}
	if address, _ := lookup(xrayDaemon); address != "" {
		p.Exporter = xray.To(address)
		return p
	}
	return nil
}

// traced runs an invocation under the provider and the trace that Lambda gives it.
func traced(p *tracing.Provider, next Handler) HandlerFunc {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		if p != nil {
			ctx = tracing.WithProvider(ctx, p)
			defer p.Exporter.Flush(ctx)
		}
		// This is the name under which the Lambda library puts it there.
		header, _ := ctx.Value("x-amzn-trace-id").(string)
		return next.Invoke(tracing.WithLambda(ctx, header), payload)
	}
}

// Name is that of the function that runs, by which spans are called that have no better one.
func Name() string { return cmp.Or(lambdacontext.FunctionName, "function") }

// Traced returns ctx with the first of contexts that is well-formed (see tracing.With), or else with the trace that ctx has, or
// else with a new one.
func Traced(ctx context.Context, contexts ...string) context.Context {
	ctx = tracing.Begin(tracing.With(ctx, contexts...))
	return WithLogAttrs(ctx, slog.String("traceId", tracing.TraceID(ctx)))
}

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

// Variables that say where spans go.
const (
	// tracesURL is a collector that speaks Zipkin's format; it comes before the X-Ray daemon.
	tracesURL = "TRACES_URL"
	// xrayDaemon is set by Lambda where the function's tracing is active.
	xrayDaemon = "AWS_XRAY_DAEMON_ADDRESS"
	// sampling is the share of new traces that is sampled, from 0 to 1. Where it is not set, a collector gets all of them and
	// X-Ray, which is paid by the trace, as many as it takes by itself.
	sampling = "TRACE_SAMPLING"
)

// xrayRatio is the share that X-Ray's default rule samples, beyond the first request of each second.
const xrayRatio = 0.05

// provider makes the spans of a function; it is nil if they have nowhere to go.
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
			slog.Warn("the share of traces cannot be read and counts as not set", "variable", sampling)
		}
	}
	return tracing.NewProvider(name, exporter, ratio)
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

// Arrived returns ctx with the trace of a request from outside, and the one that its caller named, if any. A caller cannot choose
// what is sampled or logged at DEBUG, which goes for all that follows from the request: its own trace is never gone on with, and
// Lambda's only where the request has not decided on sampling and its id, which may be the caller's as well, makes no
// other lines be logged than a new trace would.
func Arrived(ctx context.Context, h http.Header) (_ context.Context, caller string) {
	caller, decides := tracing.Caller(h)
	fresh := tracing.Afresh(ctx)
	if decides || tracing.TraceID(ctx) == "" || debugs(ctx) != debugs(fresh) {
		ctx = fresh
	}
	return Traced(ctx), caller
}

func debugs(ctx context.Context) bool { return slog.Default().Enabled(ctx, slog.LevelDebug) }

// Traced returns ctx with the first of contexts that is well-formed (see tracing.With), or else with the trace that ctx has, or
// else with a new one.
func Traced(ctx context.Context, contexts ...string) context.Context {
	ctx = tracing.Begin(tracing.With(ctx, contexts...))
	return WithLogAttrs(ctx, slog.String("traceId", tracing.TraceID(ctx)))
}

package function

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

// debugging sets the share of traces whose debug lines are logged during the test.
func debugging(t *testing.T, share float64) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(LoggerOf(&bytes.Buffer{}, "f", Verbosity{DebugRatio: share}))
	t.Cleanup(func() { slog.SetDefault(before) })
}

func headers(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

const (
	// zeros is a trace whose id is in any share.
	zeros     = "6b03ed36000000000000000000000000"
	xrayZeros = "Root=1-6b03ed36-000000000000000000000000"
	span      = "00f067aa0ba902b7"

	xrayHeader = "X-Amzn-Trace-Id"
)

// at returns the context of an invocation with Lambda's trace, in a function that samples that
// share of new traces.
func at(t *testing.T, lambda string, share float64) context.Context {
	t.Helper()
	p := tracing.NewProvider("f", &tracingtest.Recorder{}, share)
	return tracing.WithLambda(tracing.WithProvider(t.Context(), p), lambda)
}

func sampledFlag(ctx context.Context) bool { return strings.HasSuffix(tracing.Parent(ctx), "-01") }

func TestCallerChoosesNeitherSamplingNorDebugLines(t *testing.T) {
	debugging(t, .01)
	const unsampled = xrayZeros + ";Parent=" + span + ";Sampled=0"
	const sampled = xrayZeros + ";Parent=" + span + ";Sampled=1"
	for name, c := range map[string]struct {
		lambda string // the trace header that Lambda passes
		header http.Header
	}{
		"traceparent":       {"", headers("traceparent", "00-"+zeros+"-"+span+"-01")},
		"X-Ray header":      {sampled, headers(xrayHeader, sampled)},
		"X-Ray id and flag": {sampled, headers(xrayHeader, xrayZeros+"; sampled=1")},
		"X-Ray id":          {unsampled, headers(xrayHeader, xrayZeros)},
		"invalid traceparent": {
			sampled, headers("traceparent", "garbage", xrayHeader, "Self=1-2-3;"+xrayZeros+";Sampled=1"),
		},
	} {
		debugged, kept := 0, 0
		for range 200 {
			ctx, _ := Arrived(at(t, c.lambda, 0), c.header)
			if sampledFlag(ctx) {
				t.Fatalf("%s: sampled", name)
			}
			if debugEnabled(ctx) {
				debugged++
			}
			if tracing.TraceID(ctx) == zeros {
				kept++
			}
		}
		if debugged > 20 || kept > 20 {
			t.Errorf("%s: of 200 requests, %d have debug lines and %d continue the caller's trace; want about 2 each",
				name, debugged, kept)
		}
	}
}

func TestCallerCannotPreventSampling(t *testing.T) {
	debugging(t, 0)
	lambda := xrayZeros + ";Parent=" + span + ";Sampled=0"
	ctx, _ := Arrived(at(t, lambda, 1), headers(xrayHeader, lambda))
	if !sampledFlag(ctx) {
		t.Error("the caller's flag prevented sampling")
	}
}

func TestLambdasTraceContinuesWithoutACallersDecision(t *testing.T) {
	debugging(t, 0)
	for _, decision := range []string{"0", "1"} {
		lambda := "Root=1-6b03ed36-0af7651916cd43dd8448eb21;Parent=" + span + ";Sampled=" + decision
		// API Gateway adds the root to each request.
		for _, h := range []http.Header{
			{}, headers(xrayHeader, "Root=1-6b03ed36-0af7651916cd43dd8448eb21"),
			headers("traceparent", "00-"+zeros+"-"+span+"-01"),
		} {
			ctx, _ := Arrived(at(t, lambda, .5), h)
			if want := "00-6b03ed360af7651916cd43dd8448eb21-" + span + "-0" + decision; tracing.Parent(ctx) != want {
				t.Errorf("with %v: %s, want %s", h, tracing.Parent(ctx), want)
			}
		}
	}
}

func TestArrivedReturnsTheCallersTrace(t *testing.T) {
	for want, h := range map[string]http.Header{
		zeros: headers("traceparent", "00-"+zeros+"-"+span+"-00"),
		"6b03ed360af7651916cd43dd8448eb21": headers(xrayHeader,
			"Root=1-6b03ed36-0af7651916cd43dd8448eb21;Parent="+span+";Sampled=1"),
		"": headers("traceparent", "ada@example.com"),
	} {
		if _, caller := Arrived(at(t, "", 1), h); caller != want {
			t.Errorf("%v: %q, want %q", h, caller, want)
		}
	}
}

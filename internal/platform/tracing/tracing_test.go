package tracing_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

const (
	id     = "0af7651916cd43dd8448eb211c80319c"
	parent = "00-" + id + "-b7ad6b7169203331-01"
)

func TestContextCarriesItsTrace(t *testing.T) {
	ctx := tracing.With(t.Context(), parent)
	if tracing.Parent(ctx) != parent || tracing.TraceID(ctx) != id {
		t.Errorf("parent %q, id %q", tracing.Parent(ctx), tracing.TraceID(ctx))
	}
	if tracing.Parent(t.Context()) != "" || tracing.TraceID(t.Context()) != "" {
		t.Error("an empty context has a trace")
	}
}

func TestMalformedTraceIsIgnored(t *testing.T) {
	ctx := tracing.With(t.Context(), parent)
	for _, bad := range []string{
		"", "garbage", parent + "\n", " " + parent, "00-" + id, "01-" + id + "-2222222222222222-01",
		"00-" + id + "-2222222222222222-0A", "00-" + id + "-2222222222222222-0g",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-" + id + "-0000000000000000-01",
	} {
		if got := tracing.Parent(tracing.With(ctx, bad)); got != parent {
			t.Errorf("With(%q) left %q, want the one before", bad, got)
		}
	}
}

func TestContextIsTheSameInBothFormats(t *testing.T) {
	const xray = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled="
	for w3c, header := range map[string]string{parent: xray + "1", parent[:53] + "00": xray + "0"} {
		if got := tracing.XRay(tracing.With(t.Context(), w3c)); got != header {
			t.Errorf("%s is %q to X-Ray, want %q", w3c, got, header)
		}
		if got := tracing.Parent(tracing.With(t.Context(), header)); got != w3c {
			t.Errorf("%s is %q to W3C, want %q", header, got, w3c)
		}
	}
	for _, good := range []string{
		"Sampled=1;Parent=b7ad6b7169203331;Root=1-0af76519-16cd43dd8448eb211c80319c",
		xray + "1;Lineage=1:a87bd80c:0", " " + xray + "1",
	} {
		if got := tracing.Parent(tracing.With(t.Context(), good)); got != parent {
			t.Errorf("%q is %q, want %q", good, got, parent)
		}
	}
	for _, bad := range []string{
		"Root=1-0af76519-16cd43dd8448eb211c80319c", "Parent=b7ad6b7169203331", "Root=;Parent=",
		"Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b71692033",
		"Root=2-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331",
		"Root=1-0AF76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331",
		"Root=1-0af765190-6cd43dd8448eb211c80319c;Parent=b7ad6b7169203331",
		"Root=1-00000000-000000000000000000000000;Parent=b7ad6b7169203331",
		"Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=0000000000000000", ";;;===",
	} {
		if got := tracing.Parent(tracing.With(t.Context(), bad)); got != "" {
			t.Errorf("%q was taken for %s", bad, got)
		}
	}
}

func TestTheFirstValidTraceContextIsUsed(t *testing.T) {
	const other = "Root=1-11111111-111111111111111111111111;Parent=2222222222222222;Sampled=1"
	for name, c := range map[string]struct {
		lambda   string
		explicit []string
		want     string
	}{
		"an explicit one before Lambda's":    {other, []string{parent}, id},
		"the first explicit one":             {"", []string{parent, other}, id},
		"the second if the first is invalid": {"", []string{"garbage", other}, "11111111111111111111111111111111"},
		"Lambda's if both are invalid":       {other, []string{"", "garbage"}, "11111111111111111111111111111111"},
		"none at all, so a new one begins":   {"garbage", []string{""}, ""},
	} {
		ctx := tracing.Begin(tracing.With(tracing.WithLambda(t.Context(), c.lambda), c.explicit...))
		got := tracing.TraceID(ctx)
		if c.want != "" && got != c.want || c.want == "" && (len(got) != 32 || got == id) {
			t.Errorf("%s: trace %s, want %q", name, got, c.want)
		}
	}
}

func TestRequestCarriesBothTraceFormats(t *testing.T) {
	h := http.Header{}
	tracing.Inject(t.Context(), h)
	if len(h) != 0 {
		t.Errorf("without a trace there is %v", h)
	}
	tracing.Inject(tracing.With(t.Context(), parent), h)
	const xray = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"
	if h.Get("traceparent") != parent || h.Get("X-Amzn-Trace-Id") != xray {
		t.Errorf("header %v", h)
	}
}

func TestANewTraceBeginsWithItsTimeAsXRayWantsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := tracing.WithProvider(t.Context(), tracing.NewProvider("f", &tracingtest.Recorder{}, 1))
		time.Sleep(26 * 365 * 24 * time.Hour) // a bubble begins in 2000
		want := strconv.FormatInt(time.Now().Unix(), 16)
		_, span := tracing.Start(ctx, "root", tracing.Server)
		for _, got := range []string{tracing.TraceID(tracing.Begin(ctx)), span.SpanContext().TraceID().String()} {
			if got[:8] != want {
				t.Errorf("the trace begins with %s, want %s", got[:8], want)
			}
		}
	})
}

func TestBeginKeepsATraceOrStartsANewOne(t *testing.T) {
	ctx := tracing.With(t.Context(), parent)
	if got := tracing.Parent(tracing.Begin(ctx)); got != parent {
		t.Errorf("Begin replaced the trace by %q", got)
	}
	a, b := tracing.TraceID(tracing.Begin(context.Background())), tracing.TraceID(tracing.Begin(context.Background()))
	if len(a) != 32 || len(b) != 32 || a == b {
		t.Errorf("new traces %q and %q; want two of 32 digits", a, b)
	}
	if got := tracing.Parent(tracing.Begin(context.Background())); got[53:] != "01" {
		t.Errorf("%s: without a provider, the decision on sampling is left to those that come after", got)
	}
}

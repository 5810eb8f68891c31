package tracing_test

import (
	"context"
	"testing"

	"orderflow/internal/platform/tracing"
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
		"", "garbage", parent + "\n", " " + parent, "00-" + id, "01-" + id + "-b7ad6b7169203331-01",
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
		"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-" + id + "-0000000000000000-01",
	} {
		if got := tracing.Parent(tracing.With(ctx, bad)); got != parent {
			t.Errorf("With(%q) left %q, want the one before", bad, got)
		}
	}
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
}

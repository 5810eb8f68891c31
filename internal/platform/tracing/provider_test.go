package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

func provider(t *testing.T) (context.Context, *tracingtest.Recorder) {
	k := &tracingtest.Recorder{}
	return tracing.WithProvider(t.Context(), tracing.NewProvider("brew-tea", k, 1)), k
}

func TestSpansFormATree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, k := provider(t)
		ctx, outer := tracing.Start(tracing.With(ctx, parent), "outer", tracing.Server, attribute.Int("cups", 3))
		inside, inner := tracing.Start(ctx, "inner", tracing.Client)
		time.Sleep(time.Second)
		tracing.End(inner, nil)
		tracing.Annotate(ctx, attribute.Int("cups", 4), attribute.KeyValue{})
		tracing.End(outer, nil)

		if len(k.Spans()) != 2 || tracing.Parent(inside) != "00-"+id+"-"+k.Spans()[0].ID.String()+"-01" {
			t.Fatalf("spans %+v in %s", k.Spans(), tracing.Parent(inside))
		}
		in, out := k.Spans()[0], k.Spans()[1]
		if in.Trace.String() != id || in.Parent != out.ID || in.RemoteParent || in.Kind != tracing.Client ||
			in.Ended.Sub(in.Began) != time.Second {
			t.Errorf("inner span %+v", in)
		}
		if out.Parent.String() != parent[36:52] || !out.RemoteParent || out.LambdaParent ||
			out.Function != "brew-tea" || out.Failed {
			t.Errorf("outer span %+v", out)
		}
		if want := []attribute.KeyValue{attribute.Int("cups", 4)}; !slices.Equal(out.Attributes, want) {
			t.Errorf("attributes %v, want %v", out.Attributes, want)
		}
	})
}

func TestTheFirstSpanOfANewTraceIsItsRoot(t *testing.T) {
	ctx, k := provider(t)
	begun := tracing.Begin(ctx)
	for _, ctx := range []context.Context{ctx, begun} {
		_, span := tracing.Start(ctx, "root", tracing.Server)
		span.End()
	}
	inside, root := tracing.Start(begun, "root", tracing.Server)
	_, inner := tracing.Start(inside, "inner", tracing.Internal)
	inner.End()
	if s := k.Spans()[2]; s.Parent != root.SpanContext().SpanID() {
		t.Errorf("span %+v, want it below the root", s)
	}
	first, second := k.Spans()[0], k.Spans()[1]
	if first.Parent.IsValid() || second.Parent.IsValid() || second.Trace.String() != tracing.TraceID(begun) {
		t.Errorf("spans %+v in trace %s", k.Spans(), tracing.TraceID(begun))
	}
}

func TestLambdasOwnSegmentIsAParentThatOnlyXRayKnows(t *testing.T) {
	ctx, k := provider(t)
	lambda := tracing.WithLambda(ctx, tracing.XRay(tracing.With(ctx, parent)))
	inside, span := tracing.Start(lambda, "below Lambda's", tracing.Server)
	span.End()
	_, span = tracing.Start(tracing.With(lambda, "00-"+id+"-2222222222222222-01"), "below another", tracing.Server)
	span.End()
	_, span = tracing.Start(inside, "below ours", tracing.Internal)
	span.End()
	s := k.Spans()
	if !s[0].LambdaParent || s[1].LambdaParent || s[2].LambdaParent || s[0].Parent.String() != parent[36:52] {
		t.Errorf("spans %+v", s)
	}
}

func TestEndedSpanIsImmutableAndExportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, k := provider(t)
		start := time.Now()
		_, span := tracing.Start(ctx, "name", tracing.Internal)
		recording := span.IsRecording()
		span.End()
		time.Sleep(time.Hour)
		span.SetName("other")
		span.SetAttributes(attribute.Bool("late", true))
		span.SetStatus(codes.Error, "")
		span.End()
		if s := k.Spans(); len(s) != 1 || s[0].Name != "name" || len(s[0].Attributes) > 0 || s[0].Failed ||
			!s[0].Ended.Equal(start) {
			t.Errorf("spans %+v", k.Spans())
		}
		if !recording || span.IsRecording() || !span.SpanContext().IsValid() {
			t.Error("a span records until it ends, and keeps its context")
		}
	})
}

type awsError struct{}

func (awsError) Error() string     { return "no" }
func (awsError) ErrorCode() string { return "ResourceNotFoundException" }

func TestFailureIsRecordedByCodeWithoutItsText(t *testing.T) {
	const secret = "ada@example.com"
	for want, err := range map[string]error{
		"OutOfStock":                fmt.Errorf("%s: %w", secret, fault.New(fault.Conflict, "OutOfStock", secret)),
		"ResourceNotFoundException": fmt.Errorf("%s: %w", secret, awsError{}),
		"Timeout":                   fmt.Errorf("%s: %w", secret, context.DeadlineExceeded),
		"Cancelled":                 context.Canceled,
		"LostRace":                  fault.ErrLostRace,
		"Transient":                 errors.New(secret),
	} {
		ctx, k := provider(t)
		_, span := tracing.Start(ctx, "name", tracing.Internal)
		span.RecordError(err)
		tracing.End(span, err)
		got := k.Spans()[0]
		if !got.Failed || !slices.Equal(got.Attributes, []attribute.KeyValue{tracing.KeyError.String(want)}) {
			t.Errorf("%v: span %+v, want failed with %s only", err, got, want)
		}
	}
}

func TestOnlyAnOrdersIDNamesAnOrder(t *testing.T) {
	for id, want := range map[string]bool{"ada@example.com": false, "": false, "01KAQ5M3Z8V7D2X4C6B9N1T0RW": true} {
		if got := tracing.Order(id).Valid(); got != want {
			t.Errorf("%q names an order: %t, want %t", id, got, want)
		}
	}
}

func TestWithoutAProviderNothingChanges(t *testing.T) {
	ctx := tracing.With(t.Context(), parent)
	in, span := tracing.Start(ctx, "name", tracing.Server)
	tracing.Annotate(in, attribute.Bool("x", true))
	tracing.End(span, errors.New("broken"))
	if in != ctx || span.IsRecording() || tracing.Parent(in) != parent {
		t.Errorf("context %v, span %v", in, span)
	}
}

func TestUnsampledTraceIsPropagatedUnchanged(t *testing.T) {
	ctx, k := provider(t)
	ctx = tracing.With(ctx, parent[:53]+"00")
	in, span := tracing.Start(ctx, "name", tracing.Server)
	_, below := tracing.Start(in, "below", tracing.Client)
	below.End()
	span.End()
	if len(k.Spans()) > 0 || tracing.Parent(in) != parent[:53]+"00" {
		t.Errorf("%d spans, context %s", len(k.Spans()), tracing.Parent(in))
	}
}

func TestAllFunctionsSampleANewTraceAlike(t *testing.T) {
	const traces = 4000
	sampled := 0
	for range traces {
		ctx := tracing.Begin(t.Context()) // by a function without a provider
		header := "Root=1-" + tracing.TraceID(ctx)[:8] + "-" + tracing.TraceID(ctx)[8:] + ";Parent=b7ad6b7169203331"
		var flags []trace.TraceFlags
		for range 2 {
			ctx := tracing.WithProvider(t.Context(), tracing.NewProvider("f", &tracingtest.Recorder{}, .25))
			_, span := tracing.Start(tracing.WithLambda(ctx, header+";Sampled=?"), "name", tracing.Server)
			flags = append(flags, span.SpanContext().TraceFlags())
		}
		if flags[0] != flags[1] {
			t.Fatalf("%s: decided %v", header, flags)
		}
		if flags[0].IsSampled() {
			sampled++
		}
	}
	if share := float64(sampled) / traces; share < .2 || share > .3 {
		t.Errorf("%.3f of the traces are sampled, want 0.25", share)
	}
	never := tracing.WithProvider(t.Context(), tracing.NewProvider("f", &tracingtest.Recorder{}, 0))
	for _, ctx := range []context.Context{never, tracing.Begin(never)} {
		if _, span := tracing.Start(ctx, "name", tracing.Server); span.IsRecording() {
			t.Error("a trace is sampled though none is to be")
		}
	}
	decided := tracing.WithLambda(never, "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1")
	if _, span := tracing.Start(decided, "name", tracing.Server); !span.IsRecording() {
		t.Error("X-Ray's own decision does not stand")
	}
}

func TestCallWithoutTraceContextRejoinsTheStoredTrace(t *testing.T) {
	const other = "00-11111111111111111111111111111111-2222222222222222-01"
	for name, c := range map[string]struct{ now, stored, trace, above string }{
		"lost":         {other, parent, id, parent[36:52]},
		"kept":         {"00-" + id + "-2222222222222222-01", parent, id, "2222222222222222"},
		"never stored": {other, "", other[3:35], "2222222222222222"},
	} {
		ctx, k := provider(t)
		in, span := tracing.Rejoin(tracing.With(ctx, c.now), c.stored, "go on")
		span.End()
		s := k.Spans()[0]
		if s.Trace.String() != c.trace || s.Parent.String() != c.above || tracing.TraceID(in) != c.trace {
			t.Errorf("%s: span %+v, trace %s", name, s, tracing.TraceID(in))
		}
	}
}

func TestSpansMayBeUsedConcurrently(t *testing.T) {
	ctx, k := provider(t)
	ctx, outer := tracing.Start(ctx, "outer", tracing.Server)
	const workers, each = 8, 200
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range each {
				_, span := tracing.Start(ctx, "inner", tracing.Client, attribute.Int("n", n))
				outer.SetAttributes(attribute.Int(fmt.Sprint("worker", w), n))
				tracing.End(span, nil)
			}
		})
	}
	wg.Wait()
	outer.End()
	ids := map[trace.SpanID]bool{}
	for _, s := range k.Spans() {
		ids[s.ID] = true
	}
	if len(ids) != workers*each+1 || len(k.Spans()[len(k.Spans())-1].Attributes) != workers {
		t.Errorf("%d different spans of %d, outer one %+v", len(ids), len(k.Spans()), k.Spans()[len(k.Spans())-1])
	}
}

func TestUnrecordedSpansAreHarmless(t *testing.T) {
	ctx, k := provider(t)
	ctx, span := tracing.Start(ctx, "name", tracing.Internal)
	span.AddEvent("boiled")
	span.AddLink(trace.Link{})
	span.SetName("other")
	_, root := span.TracerProvider().Tracer("x").Start(ctx, "root", trace.WithNewRoot())
	root.End()
	span.End()
	if spans := k.Spans(); len(spans) != 2 || spans[0].Trace == spans[1].Trace || spans[0].Parent.IsValid() {
		t.Errorf("%+v, want a root of another trace, and the span", spans)
	}
}

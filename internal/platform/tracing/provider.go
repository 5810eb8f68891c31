package tracing

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/clock"
)

// Finished is a span that has ended.
type Finished struct {
	Trace        trace.TraceID
	ID           trace.SpanID
	Parent       trace.SpanID // zero for a root
	RemoteParent bool         // the parent is in another process
	LambdaParent bool         // the parent is Lambda's own segment of this invocation
	Function     string       // which made it
	Name         string
	Kind         trace.SpanKind
	Began, Ended time.Time
	Attributes   []attribute.KeyValue
	Failed       bool
}

// Exporter takes finished spans. It must be safe for concurrent use and must not block in Export.
// It reports no errors: tracing never fails what it traces.
type Exporter interface {
	Export(s Finished)
	// Flush is called at the end of an invocation, before its answer. It gives up in a fraction of
	// a second.
	Flush(ctx context.Context)
}

// Provider makes the spans of a function, with the OpenTelemetry SDK.
type Provider struct {
	Function string
	Exporter Exporter
	// Ratio is the share of new traces that is sampled, from 0 to 1. The decision depends on the
	// trace's id only, so every function decides alike. A decision that came with the context
	// stands.
	Ratio float64

	tracer trace.Tracer
}

// NewProvider returns the provider of a function.
func NewProvider(function string, e Exporter, ratio float64) *Provider {
	p := &Provider{Function: function, Exporter: e, Ratio: ratio}
	p.tracer = sdk.NewTracerProvider(
		sdk.WithResource(resource.Empty()),
		sdk.WithIDGenerator(generator{}),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(ratio))),
		sdk.WithSpanProcessor(processor{p}),
	).Tracer("orderflow")
	return p
}

// sample decides on a new trace. Without a provider it is sampled, which leaves the decision to
// those that come after.
func (p *Provider) sample(id trace.TraceID) trace.TraceFlags {
	if p == nil {
		return trace.FlagsSampled
	}
	about := sdk.SamplingParameters{TraceID: id, ParentContext: context.Background()}
	sampled := sdk.TraceIDRatioBased(p.Ratio).ShouldSample(about).Decision == sdk.RecordAndSample
	return trace.TraceFlags(0).WithSampled(sampled)
}

// A remote parent that is not one of our spans says so in the state of its trace, under this key.
// That state stays in the process.
const (
	origin = "orderflow"
	begun  = "begun"  // there is no such span: the trace begins here
	lambda = "lambda" // Lambda's own segment, which only X-Ray knows
)

// withParent returns ctx with a remote parent of that origin.
func withParent(ctx context.Context, parent trace.SpanContext, from string) context.Context {
	state, _ := trace.TraceState{}.Insert(origin, from) // both are well-formed
	return trace.ContextWithRemoteSpanContext(ctx, parent.WithTraceState(state))
}

// begin starts a trace without a span.
func (p *Provider) begin(ctx context.Context) context.Context {
	id, span := generator{}.NewIDs(ctx)
	cfg := trace.SpanContextConfig{TraceID: id, SpanID: span, TraceFlags: p.sample(id)}
	return withParent(ctx, trace.NewSpanContext(cfg), begun)
}

// processor hands the spans that end to the provider's exporter.
type processor struct{ *Provider }

func (processor) OnStart(context.Context, sdk.ReadWriteSpan) {}
func (processor) Shutdown(context.Context) error             { return nil }
func (processor) ForceFlush(context.Context) error           { return nil }

func (p processor) OnEnd(s sdk.ReadOnlySpan) {
	f := Finished{
		Trace: s.SpanContext().TraceID(), ID: s.SpanContext().SpanID(),
		Parent: s.Parent().SpanID(), RemoteParent: s.Parent().IsRemote(),
		Function: p.Function, Name: s.Name(), Kind: s.SpanKind(), Began: s.StartTime(), Ended: s.EndTime(),
		Attributes: s.Attributes(), Failed: s.Status().Code == codes.Error,
	}
	if f.RemoteParent {
		switch s.Parent().TraceState().Get(origin) {
		case lambda:
			f.LambdaParent = true
		case begun:
			f.Parent = trace.SpanID{}
		}
	}
	p.Exporter.Export(f)
}

// generator makes ids of traces that X-Ray accepts: they begin with the time, in seconds.
type generator struct{}

func (g generator) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	_, _ = rand.Read(id[4:])                                                          // never fails since Go 1.24
	binary.BigEndian.PutUint32(id[:4], uint32(clock.System{}.Now().Unix()&(1<<32-1))) //nolint:gosec // until 2106
	return id, g.NewSpanID(ctx, id)
}

func (generator) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		_, _ = rand.Read(id[:])
	}
	return id
}

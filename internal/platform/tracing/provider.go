package tracing

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"

	"orderflow/internal/platform/clock"
)

// Finished is a span that has ended.
type Finished struct {
	Trace        trace.TraceID
	ID           trace.SpanID
	Parent       trace.SpanID // zero for a root
	RemoteParent bool         // the parent is another process's
	LambdaParent bool         // the parent is Lambda's own segment of this invocation
	Function     string       // which made it
	Name         string
	Kind         trace.SpanKind
	Began, Ended time.Time
	Attributes   []attribute.KeyValue
	Failed       bool
}

// Exporter takes finished spans. It must be safe for concurrent use, must not block in Export, and has nobody to tell of its
// errors: tracing never fails what it traces.
type Exporter interface {
	Export(s Finished)
	// Flush is called at the end of an invocation, before its answer. It gives up in a fraction of a second.
	Flush(ctx context.Context)
}

// Provider implements trace.TracerProvider, as far as functions need it: it has no links, no events, and one
// exporter.
type Provider struct {
	embedded.TracerProvider
	Function string
	Exporter Exporter
	// Ratio is the share of new traces that is sampled, from 0 to 1. Whether a trace is, hangs on its id alone, so every
	// function decides alike; a decision that came with the context stands.
	Ratio float64
	// Clock is the machine's where nil.
	Clock clock.Clock
}

// Tracer returns the one tracer there is.
func (p *Provider) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{provider: p} }

func (p *Provider) now() time.Time {
	if p == nil || p.Clock == nil {
		return clock.System{}.Now()
	}
	return p.Clock.Now()
}

// begin starts a trace without a span. Without a provider nothing decides here, so the trace is open to those that come
// after.
func (p *Provider) begin(ctx context.Context) context.Context {
	id := newTraceID(p.now())
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: newSpanID(), TraceFlags: p.sample(id)})
	return context.WithValue(trace.ContextWithRemoteSpanContext(ctx, sc), originKey{}, origin{span: sc.SpanID()})
}

// sample decides on a new trace.
func (p *Provider) sample(id trace.TraceID) trace.TraceFlags {
	if p == nil || p.Ratio >= 1 {
		return trace.FlagsSampled
	}
	share := float64(binary.BigEndian.Uint64(id[8:])>>1) / (1 << 63)
	return trace.TraceFlags(0).WithSampled(share < p.Ratio)
}

// originKey is where a context tells of a parent that is no span of ours.
type originKey struct{}

// origin is Lambda's own segment, which X-Ray alone knows, or the mere beginning of a trace.
type origin struct {
	span   trace.SpanID
	lambda bool
}

type tracer struct {
	embedded.Tracer
	provider *Provider
}

// Start begins a span. In a trace that is not sampled it makes none, and the context is handed on as it came.
func (t tracer) Start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	cfg := trace.NewSpanStartConfig(opts...)
	parent := trace.SpanContextFromContext(ctx)
	if cfg.NewRoot() {
		parent = trace.SpanContext{}
	}
	traceID, flags := parent.TraceID(), parent.TraceFlags()
	if !parent.IsValid() {
		traceID = newTraceID(t.provider.now())
		flags = t.provider.sample(traceID)
	}
	sc := trace.NewSpanContext(trace.SpanContextConfig{TraceID: traceID, SpanID: newSpanID(), TraceFlags: flags})
	if !flags.IsSampled() {
		if parent.IsValid() {
			sc = parent
		}
		ctx = trace.ContextWithSpanContext(ctx, sc)
		return ctx, trace.SpanFromContext(ctx)
	}
	began := cfg.Timestamp()
	if began.IsZero() {
		began = t.provider.now()
	}
	s := &span{provider: t.provider, context: sc, finished: Finished{
		Trace: traceID, ID: sc.SpanID(), Parent: parent.SpanID(), RemoteParent: parent.IsRemote(),
		Function: t.provider.Function, Name: name, Kind: cfg.SpanKind(), Began: began,
	}}
	if from, ok := ctx.Value(originKey{}).(origin); ok && from.span == parent.SpanID() {
		s.finished.LambdaParent = from.lambda
		if !from.lambda {
			s.finished.Parent = trace.SpanID{} // begun here: nobody has made a span of that id
		}
	}
	s.SetAttributes(cfg.Attributes()...)
	return trace.ContextWithSpan(ctx, s), s
}

// span is one that is recorded.
type span struct {
	embedded.Span
	provider *Provider
	context  trace.SpanContext

	mu       sync.Mutex
	finished Finished
}

// change applies f unless the span has ended.
func (s *span) change(f func(*Finished)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finished.Ended.IsZero() {
		f(&s.finished)
	}
}

func (s *span) End(opts ...trace.SpanEndOption) {
	cfg := trace.NewSpanEndConfig(opts...)
	at := cfg.Timestamp()
	if at.IsZero() {
		at = s.provider.now()
	}
	first := false
	s.change(func(f *Finished) { f.Ended, first = at, true })
	if first {
		s.provider.Exporter.Export(s.finished) // nothing changes it any more
	}
}

func (s *span) SetAttributes(attrs ...attribute.KeyValue) {
	s.change(func(f *Finished) {
		for _, a := range attrs {
			if !a.Valid() {
				continue
			}
			same := func(b attribute.KeyValue) bool { return b.Key == a.Key }
			if i := slices.IndexFunc(f.Attributes, same); i >= 0 {
				f.Attributes[i] = a
				continue
			}
			f.Attributes = append(f.Attributes, a)
		}
	})
}

func (s *span) IsRecording() (yes bool) {
	s.change(func(*Finished) { yes = true })
	return yes
}

func (s *span) SetStatus(code codes.Code, _ string) {
	s.change(func(f *Finished) { f.Failed = code == codes.Error })
}

func (s *span) SetName(name string)                     { s.change(func(f *Finished) { f.Name = name }) }
func (s *span) SpanContext() trace.SpanContext          { return s.context }
func (s *span) TracerProvider() trace.TracerProvider    { return s.provider }
func (s *span) AddEvent(string, ...trace.EventOption)   {}
func (s *span) AddLink(trace.Link)                      {}
func (s *span) RecordError(error, ...trace.EventOption) {}

package tracing

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

// Kinds of spans.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
)

// Names of attributes that are used in more than one place.
const (
	KeyOrder      = attribute.Key("orderId")
	KeyStatus     = attribute.Key("http.response.status_code")
	KeyDependency = attribute.Key("dependency")
	KeyError      = attribute.Key("error.type")
	// KeyCaller is the trace that the caller of a request named, which is not ours to go on with.
	KeyCaller = attribute.Key("trace.caller")
)

type providerKey struct{}

// WithProvider returns a context under which spans are made by p.
func WithProvider(ctx context.Context, p *Provider) context.Context {
	return context.WithValue(ctx, providerKey{}, p)
}

// Start begins a span below the one in ctx. If ctx has no provider, or its trace is not sampled, there
// is no span and ctx stays as it is.
func Start(ctx context.Context, name string, kind trace.SpanKind, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	p, _ := ctx.Value(providerKey{}).(*Provider)
	parent := trace.SpanContextFromContext(ctx)
	if p == nil || parent.IsValid() && !parent.IsSampled() {
		return ctx, trace.SpanFromContext(ctx) // which does not record
	}
	return p.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attrs...))
}

// Annotate adds attributes to the span in ctx.
func Annotate(ctx context.Context, attrs ...attribute.KeyValue) {
	trace.SpanFromContext(ctx).SetAttributes(attrs...)
}

// Order names the order that a span is about. What is no order's id is no attribute: it may come from a stranger.
func Order(id string) attribute.KeyValue {
	if !ids.Valid(id) {
		return attribute.KeyValue{}
	}
	return KeyOrder.String(id)
}

// End ends a span. Where err is not nil the span failed, with err's code; its text, which may quote anything, stays out.
func End(span trace.Span, err error) {
	if err != nil {
		code := Code(err)
		span.SetAttributes(KeyError.String(code))
		span.SetStatus(codes.Error, code)
	}
	span.End()
}

// Code returns the code of an error: that of a fault, or of an answer of AWS.
func Code(err error) string {
	var f *fault.Error
	var answer interface{ ErrorCode() string }
	switch {
	case errors.As(err, &f):
		return f.Code
	case errors.As(err, &answer):
		return answer.ErrorCode()
	case errors.Is(err, fault.ErrLostRace):
		return "LostRace"
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	case errors.Is(err, context.Canceled):
		return "Cancelled"
	}
	return fault.From(err).Code
}

// Rejoin begins a span that goes on with a stored context, for work that comes back to us by way of somebody who need not
// hand contexts on. If ctx is part of that trace already, the span is a child of it as any other; otherwise it is
// one of the stored context, with the names of the trace left behind among its attributes.
func Rejoin(ctx context.Context, stored, name string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	if sc, ok := parse(stored); ok && sc.TraceID() != trace.SpanContextFromContext(ctx).TraceID() {
		attrs = append(attrs, attribute.String("trace.left", TraceID(ctx)))
		ctx = trace.ContextWithRemoteSpanContext(ctx, sc)
	}
	return Start(ctx, name, Internal, attrs...)
}

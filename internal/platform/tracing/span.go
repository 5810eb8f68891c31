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
	// KeyCaller is the trace that the caller of a request named; we do not continue it.
	KeyCaller = attribute.Key("trace.caller")
)

type providerKey struct{}

// WithProvider returns a context under which spans are made by p.
func WithProvider(ctx context.Context, p *Provider) context.Context {
	return context.WithValue(ctx, providerKey{}, p)
}

// Start begins a span below the one in ctx. If ctx has no provider, or its trace is not sampled,
// there is no span and ctx stays as it is.
func Start(
	ctx context.Context, name string, kind trace.SpanKind, attrs ...attribute.KeyValue,
) (context.Context, trace.Span) {
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

// Order names the order that a span is about. Anything but an order's id is left out, since it may
// come from an attacker.
func Order(id string) attribute.KeyValue {
	if !ids.Valid(id) {
		return attribute.KeyValue{}
	}
	return KeyOrder.String(id)
}

// End ends a span. If err is not nil, the span failed with err's code. The text of err stays out:
// it may quote anything.
func End(span trace.Span, err error) {
	if err != nil {
		code := Code(err)
		span.SetAttributes(KeyError.String(code))
		span.SetStatus(codes.Error, code)
	}
	span.End()
}

// Code returns the code of an error: that of a fault, or of an error from AWS.
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

// Rejoin begins a span that continues a stored context, for work that comes back through a third
// party that may not pass contexts on. If ctx is part of that trace, the span is below ctx.
// Otherwise it is below the stored context, and an attribute names the trace that it left.
func Rejoin(ctx context.Context, stored, name string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	if sc, ok := parse(stored); ok && sc.TraceID() != trace.SpanContextFromContext(ctx).TraceID() {
		attrs = append(attrs, attribute.String("trace.left", TraceID(ctx)))
		ctx = trace.ContextWithRemoteSpanContext(ctx, sc)
	}
	return Start(ctx, name, Internal, attrs...)
}

// Package tracing follows an order through all functions that work for it: one trace, from the HTTP
// request to the last e-mail. The OpenTelemetry SDK makes the spans, our own exporters send them;
// see docs/adr/0012-opentelemetry-with-exporters-of-our-own.md.
//
// A trace context (https://www.w3.org/TR/trace-context/) travels in HTTP headers, in events and in
// the input of state machines, each time beside the same context in the form of AWS X-Ray. Spans
// are made only if the context has a provider, which package function puts there. Without one, as
// in the simulation, the context is passed on unchanged, and nothing is random.
//
// A span may hold identifiers, codes and counts, never personal or payment data.
package tracing

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Headers in which a context travels by HTTP.
const (
	HeaderW3C  = "traceparent"
	HeaderXRay = "X-Amzn-Trace-Id"
)

// With returns a context that continues the first well-formed one of contexts, each a W3C
// traceparent or an X-Ray trace header. If there is none, it returns ctx.
func With(ctx context.Context, contexts ...string) context.Context {
	for _, text := range contexts {
		if sc, ok := parse(text); ok {
			return trace.ContextWithRemoteSpanContext(ctx, sc)
		}
	}
	return ctx
}

func parse(text string) (trace.SpanContext, bool) {
	if sc, ok := parseW3C(text); ok {
		return sc, true
	}
	sc, _, ok := parseXRay(text)
	return sc, ok
}

// Parent returns the context's traceparent, or "".
func Parent(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	return "00-" + sc.TraceID().String() + "-" + sc.SpanID().String() + "-" + sc.TraceFlags().String()
}

// XRay returns the same as an X-Ray trace header, or "".
func XRay(ctx context.Context) string {
	sc := trace.SpanContextFromContext(ctx)
	if !sc.IsValid() {
		return ""
	}
	return formatXRay(sc)
}

// TraceID returns the 32 hex digits of the context's trace, or "".
func TraceID(ctx context.Context) string {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		return sc.TraceID().String()
	}
	return ""
}

// Inject puts the context into the header of a request, in both forms.
func Inject(ctx context.Context, h http.Header) {
	if Parent(ctx) != "" {
		h.Set(HeaderW3C, Parent(ctx))
		h.Set(HeaderXRay, XRay(ctx))
	}
}

// Begin returns ctx if it carries a trace, else one with a new trace.
func Begin(ctx context.Context) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return Afresh(ctx)
}

// Caller returns the trace that the header of a request names, as 32 hex digits or "", and whether
// the request decides on sampling by X-Ray's header, which API Gateway passes on to Lambda
// unchanged.
func Caller(h http.Header) (traceID string, decides bool) {
	xray := h.Get(HeaderXRay)
	for field := range strings.SplitSeq(xray, ";") {
		name, _, _ := strings.Cut(strings.TrimSpace(field), "=")
		decides = decides || strings.EqualFold(name, "Sampled")
	}
	return TraceID(With(context.Background(), h.Get(HeaderW3C), xray)), decides
}

// Afresh returns ctx with a new trace, even if it carries one.
func Afresh(ctx context.Context) context.Context {
	p, _ := ctx.Value(providerKey{}).(*Provider)
	return p.begin(ctx)
}

// parseW3C reads version 00 of a traceparent: 00-<32 hex>-<16 hex>-<2 hex>, in lower case.
func parseW3C(s string) (trace.SpanContext, bool) {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' || s != strings.ToLower(s) {
		return trace.SpanContext{}, false
	}
	id, noID := trace.TraceIDFromHex(s[3:35])
	span, noSpan := trace.SpanIDFromHex(s[36:52])
	flags, noFlags := strconv.ParseUint(s[53:], 16, 8)
	if noID != nil || noSpan != nil || noFlags != nil {
		return trace.SpanContext{}, false
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: span, TraceFlags: trace.TraceFlags(flags), Remote: true, //nolint:gosec // 8 bits
	}), true
}

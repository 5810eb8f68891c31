// Package tracing follows an order through all functions that work for it: one trace from the HTTP request to the last
// e-mail. It is written against the OpenTelemetry API (https://opentelemetry.io/docs/specs/otel/trace/api/), with a
// provider of its own; see docs/adr/0012-a-tracer-of-our-own.md.
//
// A trace context (https://www.w3.org/TR/trace-context/) travels in HTTP headers, in events and in the input of state
// machines, each time beside the same context in the form of AWS X-Ray. Spans are made only where the context has
// a provider, which package function sees to; everywhere else, as in the simulation, the context that came in is handed on
// as it is, and nothing is random.
//
// What a span tells must be identifiers, codes and counts, never personal or payment data.
package tracing

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Headers in which a context travels by HTTP.
const (
	HeaderW3C  = "traceparent"
	HeaderXRay = "X-Amzn-Trace-Id"
)

// With returns a context that goes on with the first of contexts that is well-formed: each a W3C traceparent or
// an X-Ray trace header. Where none is, ctx stays as it is.
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

// Begin returns ctx if it carries a trace already, else one with a new trace.
func Begin(ctx context.Context) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	return Afresh(ctx)
}

// Caller returns the trace that the header of a request names, as 32 hex digits or "", and whether the request decides on
// sampling by X-Ray's header, which API Gateway hands on to Lambda as it is.
func Caller(h http.Header) (traceID string, decides bool) {
	xray := h.Get(HeaderXRay)
	for field := range strings.SplitSeq(xray, ";") {
		name, _, _ := strings.Cut(strings.TrimSpace(field), "=")
		decides = decides || strings.EqualFold(name, "Sampled")
	}
	return TraceID(With(context.Background(), h.Get(HeaderW3C), xray)), decides
}

// Afresh returns ctx with a new trace, whatever trace it carries.
func Afresh(ctx context.Context) context.Context {
	p, _ := ctx.Value(providerKey{}).(*Provider)
	return p.begin(ctx)
}

// newTraceID makes a trace id that X-Ray accepts: it begins with the time, in seconds.
func newTraceID(now time.Time) (id trace.TraceID) {
	_, _ = rand.Read(id[4:])                                         // never fails since Go 1.24
	binary.BigEndian.PutUint32(id[:4], uint32(now.Unix()&(1<<32-1))) //nolint:gosec // until 2106
	return id
}

func newSpanID() (id trace.SpanID) {
	for !id.IsValid() {
		_, _ = rand.Read(id[:])
	}
	return id
}

// parseW3C reads version 00 of a traceparent: 00-<32 hex>-<16 hex>-<2 hex>, in small letters.
func parseW3C(s string) (trace.SpanContext, bool) {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return trace.SpanContext{}, false
	}
	var cfg trace.SpanContextConfig
	var flags [1]byte
	if !unhex(cfg.TraceID[:], s[3:35]) || !unhex(cfg.SpanID[:], s[36:52]) || !unhex(flags[:], s[53:]) {
		return trace.SpanContext{}, false
	}
	cfg.TraceFlags, cfg.Remote = trace.TraceFlags(flags[0]), true
	sc := trace.NewSpanContext(cfg)
	return sc, sc.IsValid() // all zeros is no id
}

// unhex decodes small hex digits.
func unhex(to []byte, s string) bool {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'F' {
			return false
		}
	}
	n, err := hex.Decode(to, []byte(s))
	return err == nil && n == len(to)
}

package tracing

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// WithLambda returns a context that continues the X-Ray trace header of the invocation, unless that
// is malformed. If X-Ray has not decided on sampling, the provider does.
func WithLambda(ctx context.Context, header string) context.Context {
	sc, decided, ok := parseXRay(header)
	if !ok {
		return ctx
	}
	if p, _ := ctx.Value(providerKey{}).(*Provider); !decided {
		sc = sc.WithTraceFlags(p.sample(sc.TraceID()))
	}
	return withParent(ctx, sc, lambda)
}

// parseXRay reads Root=1-<8 hex>-<24 hex>;Parent=<16 hex>;Sampled=<0 or 1>, in any order. It
// ignores other fields. decided is false if Sampled is missing or has another value.
func parseXRay(s string) (sc trace.SpanContext, decided, ok bool) {
	var cfg trace.SpanContextConfig
	for field := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			if len(value) != 35 || value[:2] != "1-" || value[10] != '-' {
				return sc, false, false
			}
			cfg.TraceID, _ = trace.TraceIDFromHex(value[2:10] + value[11:])
		case "Parent":
			cfg.SpanID, _ = trace.SpanIDFromHex(value)
		case "Sampled":
			decided = value == "0" || value == "1"
			cfg.TraceFlags = cfg.TraceFlags.WithSampled(value == "1")
		}
	}
	cfg.Remote = true
	sc = trace.NewSpanContext(cfg)
	return sc, decided, sc.IsValid()
}

func formatXRay(sc trace.SpanContext) string {
	sampled := "0"
	if sc.IsSampled() {
		sampled = "1"
	}
	return "Root=" + xrayTraceID(sc.TraceID()) + ";Parent=" + sc.SpanID().String() + ";Sampled=" + sampled
}

func xrayTraceID(id trace.TraceID) string {
	s := id.String()
	return "1-" + s[:8] + "-" + s[8:]
}

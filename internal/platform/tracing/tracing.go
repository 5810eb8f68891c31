// Package tracing carries the W3C trace context (https://www.w3.org/TR/trace-context/)
// through a context, so that it can be stored in the outbox and handed on by events:
// one trace then spans an order's whole way.
package tracing

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"regexp"
	"strings"
)

type key struct{}

var form = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$`)

// With returns a context that carries traceparent; a malformed one is ignored.
func With(ctx context.Context, traceparent string) context.Context {
	m := form.FindStringSubmatch(traceparent)
	if m == nil || strings.Trim(m[1], "0") == "" || strings.Trim(m[2], "0") == "" { // all zeros is no id
		return ctx
	}
	return context.WithValue(ctx, key{}, traceparent)
}

// Parent returns the context's traceparent, or "".
func Parent(ctx context.Context) string {
	s, _ := ctx.Value(key{}).(string)
	return s
}

// TraceID returns the 32 hex digits of the context's trace, or "".
func TraceID(ctx context.Context) string {
	if m := form.FindStringSubmatch(Parent(ctx)); m != nil {
		return m[1]
	}
	return ""
}

// Begin returns ctx if it carries a trace already, else one with a new trace.
func Begin(ctx context.Context) context.Context {
	if Parent(ctx) != "" {
		return ctx
	}
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return With(ctx, "00-"+hex.EncodeToString(b[:16])+"-"+hex.EncodeToString(b[16:])+"-01")
}

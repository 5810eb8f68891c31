// Package zipkin sends spans by HTTP in Zipkin's format, version 2 (https://zipkin.io/zipkin-api/),
// to the local collector, to Zipkin or to any other that takes it.
package zipkin

import (
	"strings"

	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/tracing"
)

// Span is a span in Zipkin's format. Times are in microseconds since 1970.
type Span struct {
	TraceID   string            `json:"traceId"`
	ID        string            `json:"id"`
	ParentID  string            `json:"parentId,omitempty"`
	Kind      string            `json:"kind,omitempty"` // empty within a function
	Name      string            `json:"name"`
	Timestamp int64             `json:"timestamp"`
	Duration  int64             `json:"duration"`
	Local     Endpoint          `json:"localEndpoint"`
	Remote    *Endpoint         `json:"remoteEndpoint,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
}

// Endpoint is who made or answered a call.
type Endpoint struct {
	ServiceName string `json:"serviceName"`
}

// Of puts a span into Zipkin's form. A parent that only X-Ray knows is left out, which makes the
// span a root.
func Of(f tracing.Finished) Span {
	s := Span{
		TraceID: f.Trace.String(), ID: f.ID.String(), Name: f.Name, Timestamp: f.Began.UnixMicro(),
		Duration: max(1, f.Ended.Sub(f.Began).Microseconds()), // Zipkin takes 0 for unknown
		Local:    Endpoint{f.Function}, Tags: map[string]string{},
	}
	if f.Kind != trace.SpanKindInternal {
		s.Kind = strings.ToUpper(f.Kind.String())
	}
	if f.Parent.IsValid() && !f.LambdaParent {
		s.ParentID = f.Parent.String()
	}
	for _, a := range f.Attributes {
		s.Tags[string(a.Key)] = a.Value.String()
		if f.Failed && a.Key == tracing.KeyError {
			s.Tags["error"] = a.Value.String() // Zipkin takes this for a failure
		}
		if a.Key == tracing.KeyDependency {
			s.Remote = &Endpoint{a.Value.String()}
		}
	}
	return s
}

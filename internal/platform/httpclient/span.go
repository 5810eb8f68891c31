package httpclient

import (
	"context"
	"errors"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/tracing"
)

// span starts the span of one attempt. It omits the path, which may contain personal data.
func (c *Client) span(ctx context.Context, r Request) (context.Context, trace.Span) {
	return tracing.Start(ctx, r.Method+" "+c.c.Dependency, tracing.Client,
		tracing.KeyDependency.String(c.c.Dependency), attribute.String("http.request.method", r.Method),
		attribute.Int("http.request.resend_count", max(0, r.attempt-1)), attribute.Bool("probe", r.attempt == 0))
}

// endSpan ends the span with the kind of error, and the status if there is one.
func endSpan(span trace.Span, err error) {
	var status *StatusError
	if errors.As(err, &status) {
		span.SetAttributes(tracing.KeyStatus.Int(status.Status))
	}
	if err != nil {
		span.SetAttributes(tracing.KeyError.String(errorKind(err)))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

func errorKind(err error) string {
	var status *StatusError
	var network *url.Error
	switch {
	case errors.As(err, &status):
		return strconv.Itoa(status.Status)
	case errors.Is(err, context.DeadlineExceeded):
		return "Timeout"
	case errors.As(err, &network):
		return "Network"
	}
	return "Answer"
}

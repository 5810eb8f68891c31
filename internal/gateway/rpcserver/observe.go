package rpcserver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/rpc"
	"orderflow/internal/gateway/watch"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/tracing"
)

// observer logs, traces and measures calls, as httpapi does for functions.
type observer struct {
	clock   clock.Clock
	flush   func(context.Context)
	watches atomic.Int64
}

// begin returns the context of a call. The caller's own trace is never continued.
func begin(ctx context.Context, spec connect.Spec, header http.Header, message any) (context.Context, func(error)) {
	ctx, caller := function.Arrived(ctx, header)
	ctx = function.WithLogAttrs(ctx, slog.String("operation", spec.Procedure))
	attributes := []attribute.KeyValue{attribute.String("operation", spec.Procedure)}
	if m, ok := message.(interface{ GetOrderId() string }); ok && ids.Valid(m.GetOrderId()) {
		ctx = function.WithLogAttrs(ctx, slog.String("orderId", m.GetOrderId()))
		attributes = append(attributes, tracing.Order(m.GetOrderId()))
	}
	ctx, span := tracing.Start(ctx, spec.Procedure, tracing.Server, attributes...)
	if caller != "" && caller != tracing.TraceID(ctx) {
		span.SetAttributes(tracing.KeyCaller.String(caller))
	}
	return ctx, func(err error) {
		slog.DebugContext(ctx, "call answered", "code", code(err))
		tracing.End(span, err)
	}
}

// code is the name of a call's outcome.
func code(err error) string {
	if err == nil {
		return "ok"
	}
	return connect.CodeOf(err).String()
}

// WrapUnary implements connect.Interceptor.
func (o *observer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		began := o.clock.Now()
		ctx, end := begin(ctx, req.Spec(), req.Header(), req.Any())
		res, err := next(ctx, req)
		end(err)
		metrics.Since(ctx, metrics.RPCDuration, began, metrics.Status(code(err)))
		o.flush(ctx)
		return res, err
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (o *observer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (o *observer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, end := begin(ctx, conn.Spec(), conn.RequestHeader(), nil)
		err := next(ctx, conn)
		end(err)
		o.flush(ctx)
		return err
	}
}

// watching counts the watches.
func (o *observer) watching(next rpc.Watch) rpc.Watch {
	return func(
		ctx context.Context, as gateway.Caller, orderID string, after int64, send func(gateway.Order) error,
	) error {
		ctx = function.WithLogAttrs(ctx, slog.String("orderId", orderID))
		metrics.Gauge(ctx, metrics.Watches, float64(o.watches.Add(1)))
		defer func() { metrics.Gauge(ctx, metrics.Watches, float64(o.watches.Add(-1))) }()
		err := next(ctx, as, orderID, after, send)
		if errors.Is(err, watch.ErrClosed) { // not a failure: the client is told to continue elsewhere
			return connect.NewError(connect.CodeUnavailable, errors.New(watch.ErrClosed.Detail))
		}
		return err
	}
}

// counted counts the reads for watchers.
type counted struct{ watch.Orders }

// Order implements watch.Orders.
func (c counted) Order(ctx context.Context, as gateway.Caller, orderID string) (gateway.Order, error) {
	metrics.Count(ctx, metrics.WatchReads, 1)
	return c.Orders.Order(ctx, as, orderID)
}

var _ connect.Interceptor = (*observer)(nil)

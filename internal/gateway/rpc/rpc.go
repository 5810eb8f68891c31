// Package rpc serves the protobuf contract (api/proto) over the services' HTTP contract, by the
// protocols Connect, gRPC-Web and gRPC. It decides nothing: a method is a call of gateway.Shop.
package rpc

import (
	"context"
	"log/slog"
	"net/http"

	"connectrpc.com/connect"

	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/gateway"
	"orderflow/internal/platform/deadline"
)

// maxBody is the largest message of a request, in bytes after decompression.
const maxBody = 64 << 10

// server implements the services of the contract.
type server struct {
	shop      gateway.Shop
	summaries *gateway.Service
	watch     Watch
}

var (
	_ orderflowv1connect.OrderServiceHandler   = server{}
	_ orderflowv1connect.ProductServiceHandler = server{}
	_ orderflowv1connect.StockServiceHandler   = server{}
)

// Backends are the services' HTTP contract.
type Backends interface {
	gateway.Shop
	gateway.Backends
}

// New returns the server over the services. Without a watch, it has no streams. The interceptors
// see the errors that callers get.
func New(b Backends, watch Watch, interceptors ...connect.Interceptor) http.Handler {
	s := server{shop: b, summaries: gateway.New(b), watch: watch}
	options := connect.WithHandlerOptions(connect.WithInterceptors(interceptors...),
		connect.WithCodec(jsonCodec("json")), connect.WithCodec(jsonCodec("json; charset=utf-8")),
		connect.WithReadMaxBytes(maxBody), connect.WithInterceptors(interceptor{}), connect.WithRecover(recovered))
	mux := http.NewServeMux()
	mux.Handle(orderflowv1connect.NewOrderServiceHandler(s, options))
	mux.Handle(orderflowv1connect.NewProductServiceHandler(s, options))
	mux.Handle(orderflowv1connect.NewStockServiceHandler(s, options))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(deadline.Begin(r.Context())))
	})
}

// interceptor bounds the time of calls and gives their errors a code.
type interceptor struct{}

// WrapUnary implements connect.Interceptor.
func (interceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		ctx, adopted := deadline.Adopt(ctx)
		defer adopted()
		ctx, cancel := gateway.Bounded(ctx)
		defer cancel()
		res, err := next(ctx, req)
		if err != nil {
			return nil, status(ctx, req.Spec().Procedure, err)
		}
		return res, nil
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (interceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (interceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		ctx, cancel := deadline.Adopt(ctx)
		defer cancel()
		if err := next(ctx, conn); err != nil {
			return status(ctx, conn.Spec().Procedure, err)
		}
		return nil
	}
}

func recovered(ctx context.Context, spec connect.Spec, _ http.Header, panicked any) error {
	slog.ErrorContext(ctx, "an RPC panicked", "procedure", spec.Procedure, "panic", panicked)
	return encode(errInternal)
}

// caller returns the caller on whose behalf a call is made.
func caller(ctx context.Context) (as gateway.Caller) {
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
		as.Authorization = call.RequestHeader().Get("Authorization")
	}
	return as
}

var errKeys = gateway.Invalid("Idempotency-Key", "must be given once")

// keyed is the caller of a write that can be repeated by its idempotency key.
func keyed(ctx context.Context) (gateway.Caller, error) {
	as := caller(ctx)
	call, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return as, nil
	}
	keys := call.RequestHeader().Values("Idempotency-Key")
	switch len(keys) {
	case 0:
		return as, nil
	case 1:
		as.IdempotencyKey = keys[0]
		return as, gateway.CheckIdempotencyKey(keys[0])
	}
	return as, errKeys
}

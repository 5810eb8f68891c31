package rpc

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway"
)

// Watch sends every version of an order after a version, until it is final. Package watch has one.
type Watch func(
	ctx context.Context, as gateway.Caller, orderID string, after int64, send func(gateway.Order) error,
) error

// WatchOrder implements orderflowv1connect.OrderServiceHandler.
func (s server) WatchOrder(
	ctx context.Context, in *orderflowv1.WatchOrderRequest, out *connect.ServerStream[orderflowv1.WatchOrderResponse],
) error {
	if s.watch == nil {
		return errStreams
	}
	if err := gateway.CheckOrderID(in.OrderId); err != nil {
		return err
	}
	if in.AfterVersion < 0 {
		return errVersion
	}
	return s.watch(ctx, caller(ctx), in.OrderId, in.AfterVersion, func(o gateway.Order) error {
		return out.Send(&orderflowv1.WatchOrderResponse{Order: order(o)})
	})
}

var errVersion = gateway.Invalid("/afterVersion", "must not be negative")

var errStreams = connect.NewError(connect.CodeUnimplemented,
	errors.New("a function cannot stream: call the native process (GrpcTarget)"))

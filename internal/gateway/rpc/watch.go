package rpc

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway"
)

// Watch sends every change of an order after a version, until it is final.
type Watch func(
	ctx context.Context, as gateway.Caller, in *orderflowv1.WatchOrderRequest,
	send func(*orderflowv1.WatchOrderResponse) error,
) error

// WatchOrder implements orderflowv1connect.OrderServiceHandler.
func (s Server) WatchOrder(
	ctx context.Context, in *orderflowv1.WatchOrderRequest, out *connect.ServerStream[orderflowv1.WatchOrderResponse],
) error {
	if s.watch == nil {
		return errStreams
	}
	if err := gateway.CheckOrderID(in.OrderId); err != nil {
		return err
	}
	return s.watch(ctx, caller(ctx), in, out.Send)
}

var errStreams = connect.NewError(connect.CodeUnimplemented,
	errors.New("a function cannot stream: call the native process (GrpcTarget)"))

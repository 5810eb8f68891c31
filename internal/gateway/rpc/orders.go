package rpc

import (
	"context"
	"encoding/json"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway"
)

// PlaceOrder implements orderflowv1connect.OrderServiceHandler.
func (s server) PlaceOrder(
	ctx context.Context, in *orderflowv1.PlaceOrderRequest,
) (*orderflowv1.PlaceOrderResponse, error) {
	as, err := keyed(ctx)
	if err != nil {
		return nil, err
	}
	o, err := s.shop.PlaceOrder(ctx, as, orderRequest(in))
	return &orderflowv1.PlaceOrderResponse{Order: order(o)}, err
}

// GetOrder implements orderflowv1connect.OrderServiceHandler.
func (s server) GetOrder(
	ctx context.Context, in *orderflowv1.GetOrderRequest,
) (*orderflowv1.GetOrderResponse, error) {
	if err := gateway.CheckOrderID(in.OrderId); err != nil {
		return nil, err
	}
	o, err := s.shop.Order(ctx, caller(ctx), in.OrderId)
	return &orderflowv1.GetOrderResponse{Order: order(o)}, err
}

// ListOrders implements orderflowv1connect.OrderServiceHandler.
func (s server) ListOrders(
	ctx context.Context, in *orderflowv1.ListOrdersRequest,
) (*orderflowv1.ListOrdersResponse, error) {
	page, err := s.shop.Orders(ctx, caller(ctx), gateway.OrderList{
		Limit: limit(in.Limit), Start: gateway.Start{Cursor: in.GetCursor()}, Status: text(in.Status),
	})
	return &orderflowv1.ListOrdersResponse{Orders: each(page.Orders, order), Cursor: page.Cursor}, err
}

// CancelOrder implements orderflowv1connect.OrderServiceHandler.
func (s server) CancelOrder(
	ctx context.Context, in *orderflowv1.CancelOrderRequest,
) (*orderflowv1.CancelOrderResponse, error) {
	as, err := keyed(ctx)
	if err != nil {
		return nil, err
	}
	if err := gateway.CheckOrderID(in.OrderId); err != nil {
		return nil, err
	}
	o, err := s.shop.CancelOrder(ctx, as, in.OrderId, gateway.CancelRequest{Reason: in.Reason})
	return &orderflowv1.CancelOrderResponse{Order: order(o)}, err
}

// GetOrderSummary implements orderflowv1connect.OrderServiceHandler.
func (s server) GetOrderSummary(
	ctx context.Context, in *orderflowv1.GetOrderSummaryRequest,
) (*orderflowv1.GetOrderSummaryResponse, error) {
	if err := gateway.CheckOrderID(in.OrderId); err != nil {
		return nil, err
	}
	summary, err := s.summaries.GetOrderSummary(ctx, in.OrderId, caller(ctx).Authorization)
	if err != nil {
		return nil, err
	}
	out := &orderflowv1.GetOrderSummaryResponse{}
	out.Order, out.OrderError = part(summary.Order, order)
	out.Payment, out.PaymentError = part(summary.Payment, payment)
	out.Reservations, out.ReservationsError = part(summary.Reservations, reservations)
	out.Shipment, out.ShipmentError = part(summary.Shipment, shipment)
	return out, nil
}

// part returns a part of a summary, or the error why it is missing.
func part[In, Out any](p gateway.Part, message func(In) *Out) (*Out, *orderflowv1.PartError) {
	if p.Err != nil {
		return nil, &orderflowv1.PartError{Code: p.Err.Code, Detail: p.Err.Detail}
	}
	var in In
	if err := json.Unmarshal(p.Answer, &in); err != nil {
		return nil, &orderflowv1.PartError{Code: gateway.Unavailable, Detail: "the service sent an unexpected answer"}
	}
	return message(in), nil
}

package rpc

import (
	"context"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway"
)

// GetStock implements orderflowv1connect.StockServiceHandler.
func (s server) GetStock(
	ctx context.Context, in *orderflowv1.GetStockRequest,
) (*orderflowv1.GetStockResponse, error) {
	if err := gateway.CheckSKU(in.Sku); err != nil {
		return nil, err
	}
	found, err := s.shop.Stock(ctx, caller(ctx), in.Sku)
	return &orderflowv1.GetStockResponse{Stock: stock(found)}, err
}

// AdjustStock implements orderflowv1connect.StockServiceHandler.
func (s server) AdjustStock(
	ctx context.Context, in *orderflowv1.AdjustStockRequest,
) (*orderflowv1.AdjustStockResponse, error) {
	as, err := keyed(ctx)
	if err != nil {
		return nil, err
	}
	if err := gateway.CheckSKU(in.Sku); err != nil {
		return nil, err
	}
	adjusted, err := s.shop.AdjustStock(ctx, as, in.Sku, gateway.StockAdjustment{
		Delta: in.Delta, Reason: in.Reason, AllowUnknownSKU: in.AllowUnknownSku,
	})
	return &orderflowv1.AdjustStockResponse{Stock: stock(adjusted)}, err
}

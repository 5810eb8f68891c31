package rpc

import (
	"context"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway"
)

// GetProduct implements orderflowv1connect.ProductServiceHandler.
func (s server) GetProduct(
	ctx context.Context, in *orderflowv1.GetProductRequest,
) (*orderflowv1.GetProductResponse, error) {
	if err := gateway.CheckSKU(in.Sku); err != nil {
		return nil, err
	}
	p, err := s.shop.Product(ctx, caller(ctx), in.Sku)
	return &orderflowv1.GetProductResponse{Product: product(p)}, err
}

// ListProducts implements orderflowv1connect.ProductServiceHandler.
func (s server) ListProducts(
	ctx context.Context, in *orderflowv1.ListProductsRequest,
) (*orderflowv1.ListProductsResponse, error) {
	list := gateway.ProductList{Limit: limit(in.Limit), Start: gateway.Start{Cursor: in.GetCursor()}}
	page, err := s.shop.Products(ctx, caller(ctx), list)
	return &orderflowv1.ListProductsResponse{Products: each(page.Products, product), Cursor: page.Cursor}, err
}

// PutProduct implements orderflowv1connect.ProductServiceHandler.
func (s server) PutProduct(
	ctx context.Context, in *orderflowv1.PutProductRequest,
) (*orderflowv1.PutProductResponse, error) {
	if err := gateway.CheckSKU(in.Sku); err != nil {
		return nil, err
	}
	p, err := s.shop.PutProduct(ctx, caller(ctx), in.Sku, gateway.ProductRequest{
		Name: in.Name, Price: amount(in.Price), Reason: in.Reason,
		Text: in.Text, ImageURL: in.ImageUrl, Category: in.Category, Unlisted: in.Unlisted,
	})
	return &orderflowv1.PutProductResponse{Product: product(p)}, err
}

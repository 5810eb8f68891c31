package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// ProductPage is a page of products. Cursor gets the next page; it is nil on the last.
type ProductPage struct {
	Products []Product `json:"products"`
	Cursor   *string   `json:"cursor"`
}

// Payment reads the payment of an order.
func (c *Client) Payment(ctx context.Context, orderID string) (Payment, error) {
	return get[Payment](ctx, c, "/v1/payments/order/", orderID, "")
}

// Reservations reads the stock held for an order.
func (c *Client) Reservations(ctx context.Context, orderID string) (Reservations, error) {
	return get[Reservations](ctx, c, "/v1/reservations/order/", orderID, "")
}

// Shipment reads the shipment of an order.
func (c *Client) Shipment(ctx context.Context, orderID string) (Shipment, error) {
	return get[Shipment](ctx, c, "/v1/shipments/order/", orderID, "")
}

// PutProduct creates or changes a product. Operators only.
func (c *Client) PutProduct(ctx context.Context, sku string, body ProductValues) (Product, error) {
	return send[Product](ctx, c, Call{Method: http.MethodPut, Path: "/v1/products/" + url.PathEscape(sku), Body: body})
}

// GetProduct reads a product.
func (c *Client) GetProduct(ctx context.Context, sku string) (Product, error) {
	return get[Product](ctx, c, "/v1/products/", sku, "")
}

// ListProducts reads a page of products: at most limit (0 means the API's default), starting at
// cursor ("" means the first page), those that name finds if it is not "".
func (c *Client) ListProducts(ctx context.Context, limit int, cursor, name string) (ProductPage, error) {
	return get[ProductPage](ctx, c, "/v1/products", "", query(map[string]string{
		"limit": strconv.Itoa(limit), "cursor": cursor, "name": name,
	}))
}

// ListAvailability reads whether up to 50 products are in stock.
func (c *Client) ListAvailability(ctx context.Context, skus ...string) ([]Availability, error) {
	found, err := get[struct {
		Availability []Availability `json:"availability"`
	}](ctx, c, "/v1/availability", "", query(map[string]string{"skus": strings.Join(skus, ",")}))
	return found.Availability, err
}

// GetStock reads the stock of a product.
func (c *Client) GetStock(ctx context.Context, sku string) (Stock, error) {
	return get[Stock](ctx, c, "/v1/stock/", sku, "")
}

// Adjustment corrects a stock.
type Adjustment struct {
	// Delta is added; it may be negative.
	Delta  int    `json:"delta"`
	Reason string `json:"reason"`
	// AllowUnknownSKU accepts a SKU that inventory does not know from the catalog.
	AllowUnknownSKU bool `json:"allowUnknownSku,omitempty"`
}

// AdjustStock adds to the stock of a product. Operators only.
func (c *Client) AdjustStock(ctx context.Context, idempotencyKey, sku string, body Adjustment) (Stock, error) {
	path := "/v1/stock/" + url.PathEscape(sku) + "/adjustments"
	return send[Stock](ctx, c, Call{Method: http.MethodPost, Path: path, IdempotencyKey: idempotencyKey, Body: body})
}

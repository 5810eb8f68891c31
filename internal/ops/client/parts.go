package client

import (
	"context"
	"net/http"
	"net/url"

	"orderflow/internal/platform/money"
)

// Payment is the payment of an order. Status is AUTHORIZED, CAPTURED, VOIDED, REFUNDED or DECLINED.
type Payment struct {
	OrderID string      `json:"orderId"`
	Status  string      `json:"status"`
	Amount  money.Money `json:"amount"`
	// RefundedAmount is how much has been refunded so far; nil if nothing has.
	RefundedAmount *money.Money `json:"refundedAmount,omitempty"`
	// Reason is why it was declined.
	Reason string `json:"reason,omitempty"`
	// Dispute is OPEN, WON or LOST if the customer's bank has disputed the charge.
	Dispute string `json:"dispute,omitempty"`
}

// Reservations is the stock held for an order. Status is RESERVED, COMMITTED or RELEASED.
type Reservations struct {
	OrderID string `json:"orderId"`
	Status  string `json:"status"`
	Items   []Item `json:"items"`
}

// Shipment is the shipment of an order. Status is REQUESTED, BOOKED, REFUSED or CANCELLED.
type Shipment struct {
	OrderID        string `json:"orderId"`
	Status         string `json:"status"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// Reason is why it was refused.
	Reason string `json:"reason,omitempty"`
}

// Product is a product of the catalog.
type Product struct {
	SKU      string      `json:"sku"`
	Name     string      `json:"name"`
	Price    money.Money `json:"price"`
	Text     string      `json:"text,omitempty"`
	ImageURL string      `json:"imageUrl,omitempty"`
	Category string      `json:"category,omitempty"`
	// Unlisted products are left out of lists.
	Unlisted bool `json:"unlisted,omitempty"`
	// Version goes up by one with every change.
	Version int `json:"version"`
}

// ProductPage is a page of products. Cursor gets the next page; it is nil on the last.
type ProductPage struct {
	Products []Product `json:"products"`
	Cursor   *string   `json:"cursor"`
}

// Stock is the quantities of a product. OnHand is the sum of Reserved and Available. If orders
// moved pieces while they were counted, it is Moving, and not exact.
type Stock struct {
	SKU       string `json:"sku"`
	OnHand    int    `json:"onHand"`
	Reserved  int    `json:"reserved"`
	Shipped   int    `json:"shipped"`
	Available int    `json:"available"`
	Moving    bool   `json:"moving"`
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

// ProductValues are what a product is changed to. What is nil stays as it is; "" removes it.
type ProductValues struct {
	Name     string      `json:"name"`
	Price    money.Money `json:"price"`
	Text     *string     `json:"text,omitempty"`
	ImageURL *string     `json:"imageUrl,omitempty"`
	Category *string     `json:"category,omitempty"`
	Unlisted *bool       `json:"unlisted,omitempty"`
	// Reason may be empty; it is recorded in the audit log.
	Reason string `json:"reason,omitempty"`
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
// cursor ("" means the first page).
func (c *Client) ListProducts(ctx context.Context, limit int, cursor string) (ProductPage, error) {
	return get[ProductPage](ctx, c, "/v1/products", "", page(limit, cursor))
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

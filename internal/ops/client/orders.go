package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/money"
)

// The states of an order. All but Pending are final.
const (
	Pending        = orders.Pending
	Confirmed      = "CONFIRMED"
	Rejected       = "REJECTED"
	Cancelled      = "CANCELLED"
	NeedsAttention = "NEEDS_ATTENTION"
)

// OrderRequest is a request to place an order.
type OrderRequest struct {
	Items           []Item  `json:"items"`
	ShippingAddress Address `json:"shippingAddress"`
	PaymentMethod   string  `json:"paymentMethod"`
	// ExpectedTotal makes the API refuse the order with TotalChanged at any other total; nil
	// accepts any.
	ExpectedTotal *money.Money `json:"expectedTotal,omitempty"`
}

// Address is a shipping address of a request. Empty parts are left out. Country is an ISO 3166-1
// alpha-2 code.
type Address struct {
	Name       string `json:"name"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitempty"`
	City       string `json:"city"`
	Region     string `json:"region,omitempty"`
	PostalCode string `json:"postalCode,omitempty"`
	Country    string `json:"country"`
}

// OrderPage is a page of orders, newest first. Cursor gets the next page; it is nil on the last.
type OrderPage struct {
	Orders []Order `json:"orders"`
	Cursor *string `json:"cursor"`
}

// Summary is an order with all its parts, not decoded, since each may be a PartError.
type Summary struct {
	Order        json.RawMessage `json:"order"`
	Payment      json.RawMessage `json:"payment"`
	Reservations json.RawMessage `json:"reservations"`
	Shipment     json.RawMessage `json:"shipment"`
}

// PartError stands in a summary for a part that could not be read.
type PartError struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// PartFailed returns why a part of a summary is missing, or nil if it is present.
func PartFailed(part json.RawMessage) *PartError {
	var p struct{ Error *PartError }
	if json.Unmarshal(part, &p) != nil {
		return nil
	}
	return p.Error
}

// PlaceOrder places an order. Repeating the request with the same key returns the same order. With
// an empty key none is sent.
func (c *Client) PlaceOrder(ctx context.Context, idempotencyKey string, r OrderRequest) (Order, error) {
	return send[Order](ctx, c,
		Call{Method: http.MethodPost, Path: "/v1/orders", IdempotencyKey: idempotencyKey, Body: r})
}

// GetOrder reads an order.
func (c *Client) GetOrder(ctx context.Context, orderID string) (Order, error) {
	return get[Order](ctx, c, "/v1/orders/", orderID, "")
}

// ListOrders reads a page of the caller's orders: at most limit (0 means the API's default),
// starting at cursor ("" means the first page).
func (c *Client) ListOrders(ctx context.Context, limit int, cursor string) (OrderPage, error) {
	return get[OrderPage](ctx, c, "/v1/orders", "", page(limit, cursor))
}

// OrderSearch says which orders to find. Zero fields match all.
type OrderSearch struct {
	Customer, Status, Reason string
	OlderThan                time.Duration
	Limit                    int
	Cursor                   string
}

// FoundPage is a page of found orders. Cursor gets the next page; it is nil on the last.
type FoundPage struct {
	Orders []FoundOrder `json:"orders"`
	Cursor *string      `json:"cursor"`
}

// FindOrders reads a page of a customer's orders, newest first, or of all orders that have not
// ended, oldest first. Only operators may.
func (c *Client) FindOrders(ctx context.Context, q OrderSearch) (FoundPage, error) {
	return get[FoundPage](ctx, c, "/v1/operator/orders", "", query(map[string]string{
		"customer": q.Customer, "status": q.Status, "reason": q.Reason, "cursor": q.Cursor,
		"limit": strconv.Itoa(q.Limit), "olderThan": strconv.Itoa(int(q.OlderThan.Seconds())),
	}))
}

// CancelOrder requests the cancellation of an order. The reason may be empty; an operator's is
// recorded in the audit log.
func (c *Client) CancelOrder(ctx context.Context, idempotencyKey, orderID, reason string) (Order, error) {
	path := "/v1/orders/" + url.PathEscape(orderID) + "/cancel"
	call := Call{Method: http.MethodPost, Path: path, IdempotencyKey: idempotencyKey}
	if reason != "" {
		call.Body = map[string]string{"reason": reason}
	}
	return send[Order](ctx, c, call)
}

// Summary reads an order with all its parts.
func (c *Client) Summary(ctx context.Context, orderID string) (Summary, error) {
	return get[Summary](ctx, c, "/v1/orders/", orderID, "/summary")
}

func get[T any](ctx context.Context, c *Client, path, id, rest string) (T, error) {
	return send[T](ctx, c, Call{Method: http.MethodGet, Path: path + url.PathEscape(id) + rest})
}

func send[T any](ctx context.Context, c *Client, call Call) (T, error) {
	var out T
	_, err := c.Do(ctx, call, &out)
	return out, err
}

func page(limit int, cursor string) string {
	return query(map[string]string{"limit": strconv.Itoa(limit), "cursor": cursor})
}

// query returns the part of an address from the ? on, without the values that are "" or 0.
func query(values map[string]string) string {
	q := url.Values{}
	for name, value := range values {
		if value != "" && value != "0" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

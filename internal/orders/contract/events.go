package contract

import (
	"embed"

	"orderflow/internal/platform/address"
	"orderflow/internal/platform/money"
)

// Types of the events that orders publishes. The last event of an order is exactly one of
// OrderConfirmed, OrderRejected and OrderCancelled. OrderOverdue may come any number of times
// before it: the order has not changed, but has been PENDING for longer than its saga should take.
const (
	OrderCreated               = "orderflow.orders.order.created.v1"
	OrderConfirmed             = "orderflow.orders.order.confirmed.v1"
	OrderRejected              = "orderflow.orders.order.rejected.v1"
	OrderCancelled             = "orderflow.orders.order.cancelled.v1"
	OrderNeedsAttention        = "orderflow.orders.order.needs-attention.v1"
	OrderCancellationRequested = "orderflow.orders.order.cancellation-requested.v1"
	OrderOverdue               = "orderflow.orders.order.overdue.v1"
)

// Created is the data of OrderCreated and OrderOverdue: all that fulfilment needs.
type Created struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// CustomerEmail is empty if the customer has none.
	CustomerEmail   string      `json:"customerEmail"`
	Items           []Item      `json:"items"`
	Total           money.Money `json:"total"`
	PaymentMethod   string      `json:"paymentMethod"`
	ShippingAddress Address     `json:"shippingAddress"`
}

// Item is a line of an order. Each SKU is in one line only.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
	// UnitPrice is the price of one piece when the order was placed.
	UnitPrice money.Money `json:"unitPrice"`
}

// Address is a shipping address.
type Address = address.Address

// Changed is the data of all other events.
type Changed struct {
	OrderID       string      `json:"orderId"`
	CustomerID    string      `json:"customerId"`
	CustomerEmail string      `json:"customerEmail"`
	Total         money.Money `json:"total"`
	// Reason is the order's reason code; in OrderCancellationRequested, the one that the order will
	// have. It is empty in OrderConfirmed.
	Reason string `json:"reason,omitempty"`
	// TrackingNumber is the carrier's, in OrderConfirmed, if it gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

package contract

import (
	"embed"

	"orderflow/internal/platform/money"
)

// Types of the events that orders publishes. An order has exactly one of OrderConfirmed,
// OrderRejected and OrderCancelled in its life, the last. OrderOverdue tells of no change, and may
// come any number of times before that: the order is PENDING for longer than its saga may take.
const (
	OrderCreated               = "orderflow.orders.order.created.v1"
	OrderConfirmed             = "orderflow.orders.order.confirmed.v1"
	OrderRejected              = "orderflow.orders.order.rejected.v1"
	OrderCancelled             = "orderflow.orders.order.cancelled.v1"
	OrderNeedsAttention        = "orderflow.orders.order.needs-attention.v1"
	OrderCancellationRequested = "orderflow.orders.order.cancellation-requested.v1"
	OrderOverdue               = "orderflow.orders.order.overdue.v1"
)

// Created is the data of OrderCreated and OrderOverdue: all that fulfilling the order takes.
type Created struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// CustomerEmail is empty where the customer has none.
	CustomerEmail   string      `json:"customerEmail"`
	Items           []Item      `json:"items"`
	Total           money.Money `json:"total"`
	PaymentMethod   string      `json:"paymentMethod"`
	ShippingAddress Address     `json:"shippingAddress"`
}

// Item is a line of an order. A list of items names each SKU once.
type Item struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
	// UnitPrice is the price of one piece when the order was placed.
	UnitPrice money.Money `json:"unitPrice"`
}

// Address is where to ship to.
type Address struct {
	Name  string `json:"name"`
	Line1 string `json:"line1"`
	Line2 string `json:"line2,omitempty"`
	City  string `json:"city"`
	// Region is a state, a province, an emirate or the like, as it stands on a label.
	Region string `json:"region,omitempty"`
	// PostalCode is empty where the country has none.
	PostalCode string `json:"postalCode"`
	// Country is ISO 3166-1 alpha-2.
	Country string `json:"country"`
}

// Changed is the data of every event but OrderCreated and OrderOverdue.
type Changed struct {
	OrderID       string      `json:"orderId"`
	CustomerID    string      `json:"customerId"`
	CustomerEmail string      `json:"customerEmail"`
	Total         money.Money `json:"total"`
	// Reason is the reason code of an order that was rejected, cancelled or needs attention; of
	// OrderCancellationRequested the one with which the order will end.
	Reason string `json:"reason,omitempty"`
	// TrackingNumber is there in OrderConfirmed, if the carrier gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

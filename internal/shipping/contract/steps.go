// Package contract is what shipping publishes: the inputs and results of its saga steps, its events
// with their schemas, and the API's answers about shipments. Other services import no other package
// of shipping.
package contract

import "orderflow/internal/platform/address"

// Line is a quantity of a product to ship.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Address is where a shipment goes.
type Address = address.Address

// Arrange is the input of arrange-shipment.
type Arrange struct {
	OrderID    string  `json:"orderId"`
	CustomerID string  `json:"customerId"`
	Items      []Line  `json:"items"`
	Address    Address `json:"address"`
}

// Await is the input of await-shipment.
type Await struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// ResumeToken is returned in the event with the carrier's decision.
	ResumeToken string `json:"resumeToken"`
}

// Cancel is the input of cancel-shipment.
type Cancel struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
}

// Result is what the three steps return.
type Result struct {
	OrderID string `json:"orderId"`
	// Status is REQUESTED, BOOKED, REFUSED or CANCELLED; empty if there was nothing to cancel.
	Status string `json:"status"`
}

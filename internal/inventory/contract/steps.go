// Package contract is what inventory publishes: inputs and results of the saga's steps, events with
// their schemas, and the API's answers about stock. Other services import nothing else of
// inventory.
package contract

// Line is a quantity of a product. A list of lines names each SKU once.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Step is the input of reserve-stock, commit-stock and release-stock.
type Step struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	Items      []Line `json:"items"`
}

// Result is the result of the three steps.
type Result struct {
	OrderID string `json:"orderId"`
	// Status is RESERVED, COMMITTED or RELEASED, or empty if there was nothing to release.
	Status string `json:"status"`
}

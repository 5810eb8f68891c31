// Package contract is what shipping publishes: the inputs and results of the steps that a
// saga calls, and its events with their schemas. Other services import nothing else of shipping.
package contract

// Line is a quantity of a product to ship.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Address is where to ship to. Shipping passes it on to the carrier and keeps no copy.
type Address struct {
	Name  string `json:"name"`
	Line1 string `json:"line1"`
	Line2 string `json:"line2,omitempty"`
	City  string `json:"city"`
	// Region is a state, a province, an emirate or the like, as it stands on a label.
	Region string `json:"region,omitempty"`
	// PostalCode is empty where the country has none.
	PostalCode string `json:"postalCode"`
	// Country is an ISO 3166 code of two letters.
	Country string `json:"country"`
}

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
	// ResumeToken comes back in the event that tells how the shipment went on.
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
	// Status is REQUESTED, BOOKED, REFUSED or CANCELLED; empty where there was nothing to cancel.
	Status string `json:"status"`
}

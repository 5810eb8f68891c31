// Package contract is what shipping publishes: the inputs and results of its saga steps, and its
// events with their schemas. Other services import no other package of shipping.
package contract

// Line is a quantity of a product to ship.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Address is the delivery address. Shipping passes it on to the carrier and does not store it.
type Address struct {
	Name  string `json:"name"`
	Line1 string `json:"line1"`
	Line2 string `json:"line2,omitempty"`
	City  string `json:"city"`
	// Region is a state, province, emirate or similar, as printed on a label.
	Region string `json:"region,omitempty"`
	// PostalCode is empty if the country has none.
	PostalCode string `json:"postalCode"`
	// Country is a two-letter ISO 3166 code.
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

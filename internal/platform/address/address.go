// Package address has the shape of a shipping address, which the API, events and steps share.
package address

// Address is a shipping address.
type Address struct {
	Name  string `json:"name"`
	Line1 string `json:"line1"`
	Line2 string `json:"line2,omitempty"`
	City  string `json:"city"`
	// Region is a state, a province, an emirate or similar, as written on a label.
	Region string `json:"region,omitempty"`
	// PostalCode is empty if the country has none.
	PostalCode string `json:"postalCode"`
	// Country is ISO 3166-1 alpha-2.
	Country string `json:"country"`
}

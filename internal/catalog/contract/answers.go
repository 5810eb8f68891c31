package contract

import "orderflow/internal/platform/money"

// Product is a product in answers of the API.
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
	Version int64 `json:"version"`
}

// Values are the values to which a request changes a product. nil leaves a value as it is; ""
// removes it.
type Values struct {
	Name     string      `json:"name"`
	Price    money.Money `json:"price"`
	Text     *string     `json:"text,omitempty"`
	ImageURL *string     `json:"imageUrl,omitempty"`
	Category *string     `json:"category,omitempty"`
	Unlisted *bool       `json:"unlisted,omitempty"`
	// Reason may be empty; it is recorded in the audit log.
	Reason string `json:"reason,omitempty"`
}

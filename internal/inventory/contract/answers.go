package contract

import "orderflow/internal/platform/clock"

// Stock is the quantities of a product in answers of the API. OnHand is the sum of Reserved and
// Available. If orders moved pieces while they were counted, it is Moving, and not exact.
type Stock struct {
	SKU       string `json:"sku"`
	OnHand    int    `json:"onHand"`
	Reserved  int    `json:"reserved"`
	Shipped   int    `json:"shipped"`
	Available int    `json:"available"`
	Moving    bool   `json:"moving"`
}

// Availability is what customers see of a product's stock. Status is IN_STOCK, LOW or OUT_OF_STOCK.
type Availability struct {
	SKU    string      `json:"sku"`
	Status string      `json:"status"`
	AsOf   clock.Stamp `json:"asOf"`
}

// Reservations is the stock held for an order, in answers of the API. Status is RESERVED, COMMITTED
// or RELEASED.
type Reservations struct {
	OrderID string `json:"orderId"`
	Status  string `json:"status"`
	Items   []Line `json:"items"`
}

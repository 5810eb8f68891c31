package contract

import "embed"

// Types of the events that inventory publishes.
const (
	StockReserved  = "orderflow.inventory.stock.reserved.v1"
	StockCommitted = "orderflow.inventory.stock.committed.v1"
	StockReleased  = "orderflow.inventory.stock.released.v1"
	StockAdjusted  = "orderflow.inventory.stock.adjusted.v1"
	// ReservationOverdue says that stock has been RESERVED for longer than a saga may take. It
	// reports no change and may be published any number of times.
	ReservationOverdue = "orderflow.inventory.reservation.overdue.v1"
)

// Overdue is the data of ReservationOverdue.
type Overdue struct {
	OrderID string `json:"orderId"`
}

// Adjusted is the data of StockAdjusted: who changed the quantity on hand of a product, and why.
type Adjusted struct {
	SKU    string `json:"sku"`
	Delta  int    `json:"delta"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// StockMoved is the data of every other inventory event.
type StockMoved struct {
	OrderID string `json:"orderId"`
	Items   []Line `json:"items"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

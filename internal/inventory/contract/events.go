package contract

import "embed"

// Types of the events that inventory publishes.
const (
	StockReserved  = "orderflow.inventory.stock.reserved.v1"
	StockCommitted = "orderflow.inventory.stock.committed.v1"
	StockReleased  = "orderflow.inventory.stock.released.v1"
)

// StockMoved is the data of every inventory event.
type StockMoved struct {
	OrderID string `json:"orderId"`
	Items   []Line `json:"items"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

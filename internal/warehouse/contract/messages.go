// Package contract is what warehouse publishes: events with their schemas, and the messages that it
// exchanges with the warehouse's own system over AMQP. Other services import nothing else of
// warehouse.
package contract

import "embed"

// Types of the messages, which are also their routing keys. We send the first two, the warehouse
// sends the others. Each message has a message id and JSON as its body; a repetition has the same
// id.
const (
	PickRequested = "pick.requested"
	PickCancelled = "pick.cancelled"

	GoodsReceivedMessage = "goods.received"
	StockCountedMessage  = "stock.counted"
	OrderPickedMessage   = "order.picked"
	OrderPackedMessage   = "order.packed"
)

// Line is a quantity of a product. A list of lines names each SKU once.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// PickJob is the body of PickRequested: the units that inventory counts as shipped for the order.
type PickJob struct {
	OrderID string `json:"orderId"`
	Lines   []Line `json:"lines"`
}

// Cancellation is the body of PickCancelled. It may come without a job, and then bars one.
type Cancellation struct {
	OrderID string `json:"orderId"`
}

// Messages holds a JSON Schema for the body of each type of message: messages/<type>.json.
//
//go:embed messages/*.json
var Messages embed.FS

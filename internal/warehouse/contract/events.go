package contract

import "embed"

// Types of the events that warehouse publishes.
const (
	GoodsReceived = "orderflow.warehouse.goods.received.v1"
	StockCounted  = "orderflow.warehouse.stock.counted.v1"
	OrderPicked   = "orderflow.warehouse.order.picked.v1"
	OrderPacked   = "orderflow.warehouse.order.packed.v1"
	// CircuitChanged says that the circuit to inventory opened or closed.
	CircuitChanged = "orderflow.warehouse.circuit.changed.v1"
)

// Received is the data of GoodsReceived.
type Received struct {
	// MessageID is the id of the warehouse's message. It identifies the stock movement.
	MessageID string `json:"messageId"`
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`
	// By is the worker, as the warehouse names them: a name or a number.
	By string `json:"by"`
	// Reference is the warehouse's document, such as a delivery note.
	Reference string `json:"reference"`
}

// Counted is the data of StockCounted. The warehouse found Counted units where its books had
// Expected.
type Counted struct {
	MessageID string `json:"messageId"`
	SKU       string `json:"sku"`
	Expected  int    `json:"expected"`
	Counted   int    `json:"counted"`
	By        string `json:"by"`
}

// Prepared is the data of OrderPicked and OrderPacked.
type Prepared struct {
	OrderID string `json:"orderId"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

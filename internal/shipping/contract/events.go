package contract

import "embed"

// Types of the events that shipping publishes.
const (
	ShipmentRequested = "orderflow.shipping.shipment.requested.v1"
	ShipmentBooked    = "orderflow.shipping.shipment.booked.v1"
	ShipmentRefused   = "orderflow.shipping.shipment.refused.v1"
	ShipmentCancelled = "orderflow.shipping.shipment.cancelled.v1"
	// CircuitChanged tells that a third party was found out of order, or back; its data is resilience.Changed.
	CircuitChanged = "orderflow.shipping.circuit.changed.v1"
)

// ShipmentEvent is the data of every shipping event.
type ShipmentEvent struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// TrackingNumber is there once the shipment is booked, if the carrier gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// Reason is why it was refused, in the words of the carrier.
	Reason string `json:"reason,omitempty"`
	// ResumeToken is there if a saga waits for the shipment: who resumes it hands the token back. The same event may
	// come once without a token and, when a saga has begun to wait, again with it.
	ResumeToken string `json:"resumeToken,omitempty"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

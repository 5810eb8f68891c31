package contract

import "embed"

// Types of the events that shipping publishes.
const (
	ShipmentRequested = "orderflow.shipping.shipment.requested.v1"
	ShipmentBooked    = "orderflow.shipping.shipment.booked.v1"
	ShipmentRefused   = "orderflow.shipping.shipment.refused.v1"
	ShipmentCancelled = "orderflow.shipping.shipment.cancelled.v1"
	// CircuitChanged reports that the circuit of a third party opened or closed; its data is
	// resilience.Changed.
	CircuitChanged = "orderflow.shipping.circuit.changed.v1"
)

// ShipmentEvent is the data of every shipping event.
type ShipmentEvent struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// TrackingNumber is set once the shipment is booked, if the carrier sent one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// Reason is the carrier's reason for a refusal.
	Reason string `json:"reason,omitempty"`
	// ResumeToken is set if a saga waits for the shipment; resuming the saga needs it. The same
	// event may be published first without a token and, once a saga waits, again with it.
	ResumeToken string `json:"resumeToken,omitempty"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

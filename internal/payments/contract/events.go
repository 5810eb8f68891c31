package contract

import (
	"embed"

	"orderflow/internal/platform/money"
)

// Types of the events that payments publishes.
const (
	PaymentAuthorized = "orderflow.payments.payment.authorized.v1"
	PaymentDeclined   = "orderflow.payments.payment.declined.v1"
	PaymentCaptured   = "orderflow.payments.payment.captured.v1"
	PaymentVoided     = "orderflow.payments.payment.voided.v1"
	PaymentRefunded   = "orderflow.payments.payment.refunded.v1"
	// PaymentPartlyRefunded tells that somebody has given back a part of what was taken, or another part.
	PaymentPartlyRefunded = "orderflow.payments.payment.partly-refunded.v1"
	PaymentDisputed       = "orderflow.payments.payment.disputed.v1"
	// CircuitChanged tells that a third party was found out of order, or back; its data is resilience.Changed.
	CircuitChanged = "orderflow.payments.circuit.changed.v1"
)

// PaymentEvent is the data of every payments event.
type PaymentEvent struct {
	OrderID string      `json:"orderId"`
	Amount  money.Money `json:"amount"`
	// Reason is why it was declined, in the words of the provider.
	Reason string `json:"reason,omitempty"`
	// RefundedAmount is how much of the amount was given back so far; absent if nothing was.
	RefundedAmount *money.Money `json:"refundedAmount,omitempty"`
	// Dispute is where the claim of the customer's bank stands: OPEN, WON or LOST. Only PaymentDisputed has it.
	Dispute string `json:"dispute,omitempty"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

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
	// PaymentPartlyRefunded reports a partial refund made on the provider's site.
	PaymentPartlyRefunded = "orderflow.payments.payment.partly-refunded.v1"
	PaymentDisputed       = "orderflow.payments.payment.disputed.v1"
	// PaymentActionRequired says what the customer must do before the payment is authorized.
	// PaymentActionEnded says that they no longer have to, whatever the outcome.
	PaymentActionRequired = "orderflow.payments.payment.action-required.v1"
	PaymentActionEnded    = "orderflow.payments.payment.action-ended.v1"
	// CircuitChanged reports that the circuit of a third party opened or closed; its data is
	// resilience.Changed.
	CircuitChanged = "orderflow.payments.circuit.changed.v1"
)

// PaymentEvent is the data of every payments event.
type PaymentEvent struct {
	OrderID string      `json:"orderId"`
	Amount  money.Money `json:"amount"`
	// Reason is the provider's decline code.
	Reason string `json:"reason,omitempty"`
	// RefundedAmount is the sum of all refunds; absent if there are none.
	RefundedAmount *money.Money `json:"refundedAmount,omitempty"`
	// Dispute is the dispute's state: OPEN, WON or LOST. Only PaymentDisputed has it.
	Dispute string `json:"dispute,omitempty"`
	// URL is the page on which the customer acts, and Until the deadline. Only
	// PaymentActionRequired has them.
	URL   string `json:"url,omitempty"`
	Until string `json:"until,omitempty"`
	// ResumeToken resumes the saga that waits for the customer. PaymentActionEnded has it once the
	// saga waits.
	ResumeToken string `json:"resumeToken,omitempty"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS

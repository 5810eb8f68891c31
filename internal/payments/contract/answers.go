package contract

import "orderflow/internal/platform/money"

// Payment is the payment of an order in answers of the API. Status is AUTHORIZED, CAPTURED, VOIDED,
// REFUNDED, DECLINED or ACTION_REQUIRED.
type Payment struct {
	OrderID string      `json:"orderId"`
	Status  string      `json:"status"`
	Amount  money.Money `json:"amount"`
	// Reason is why it was declined.
	Reason string `json:"reason,omitempty"`
	// RefundedAmount is how much has been refunded so far; nil if nothing has.
	RefundedAmount *money.Money `json:"refundedAmount,omitempty"`
	// Dispute is OPEN, WON or LOST if the customer's bank has disputed the charge.
	Dispute string `json:"dispute,omitempty"`
}

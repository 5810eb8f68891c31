// Package contract is what payments publishes: the inputs and results of its saga steps, its events
// with their schemas, and what the API answers about payments. Other services import no other
// package of payments.
package contract

import "orderflow/internal/platform/money"

// Step is the input of authorize-payment, capture-payment and void-payment.
type Step struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// Amount is the order's total.
	Amount money.Money `json:"amount"`
	// PaymentMethod is the provider's token for the payment method. It is never stored or logged.
	PaymentMethod string `json:"paymentMethod"`
}

// Result is what the three steps return.
type Result struct {
	OrderID string `json:"orderId"`
	// Status is AUTHORIZED, CAPTURED, VOIDED, REFUNDED or DECLINED; empty if there was nothing to
	// void.
	Status string `json:"status"`
}

// Package contract is what payments publishes: the inputs and results of its saga steps, its events
// with their schemas, and the API's answers about payments. Other services import no other package
// of payments.
package contract

import (
	"time"

	"orderflow/internal/platform/money"
)

// Step is the input of authorize-payment, capture-payment and void-payment.
type Step struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// Amount is the order's total.
	Amount money.Money `json:"amount"`
	// PaymentMethod is the provider's token for the payment method. It is never stored or logged.
	PaymentMethod string `json:"paymentMethod"`
	// Waited says that the saga has waited for the customer: if they have not acted by now, the
	// payment is abandoned. Only authorize-payment reads it.
	Waited bool `json:"waited,omitempty"`
}

// Await is the input of await-payment.
type Await struct {
	OrderID    string `json:"orderId"`
	CustomerID string `json:"customerId"`
	// ResumeToken is returned in the event that says that the customer no longer has to act.
	ResumeToken string `json:"resumeToken"`
}

// TimeToAct is how long the customer has to act, once the provider requires it. The saga waits
// slightly longer.
const TimeToAct = 10 * time.Minute

// Result is what the steps return.
type Result struct {
	OrderID string `json:"orderId"`
	// Status is AUTHORIZED, CAPTURED, VOIDED, REFUNDED, DECLINED or ACTION_REQUIRED; empty if there
	// was nothing to void.
	Status string `json:"status"`
	// Reason distinguishes an abandoned payment from one that the provider declined.
	Reason string `json:"reason,omitempty"`
}

package provider

import "time"

// Payment methods with special behaviour. The names pm_… are those of Stripe's test mode.
const (
	methodGood       = "pm_card_visa"
	methodDeclined   = "pm_card_visa_chargeDeclined"
	methodNoFunds    = "pm_card_visa_chargeDeclinedInsufficientFunds"
	methodDisputed   = "pm_card_createDispute"          // authorized, disputed when captured
	methodAsk        = "pm_card_authenticationRequired" // the customer must authenticate
	methodSlow       = "sandbox_timeout"                // authorized at once, but the response comes after Delay
	methodBroken     = "sandbox_error"                  // always 500, never authorized
	methodFlaky      = "sandbox_flaky"                  // 500 for the first requests of a reference, then authorized
	methodStuck      = "sandbox_void_error"             // authorized, but the first voids of a reference are refused
	flakyFaults      = 2
	voidFaults       = 9 // the number of Orderflow's attempts before it alerts an operator
	codeDeclined     = "card_declined"
	codeInsufficient = "insufficient_funds"
	codeFailed       = "authentication_failed"
)

// Delay is the delay of responses to sandbox_timeout. It is longer than any client should wait.
const Delay = 8 * time.Second

// decline returns why a payment method is declined, or "" if it is not.
func decline(method string) string {
	switch method {
	case methodGood, methodDisputed, methodAsk, methodSlow, methodFlaky, methodStuck:
		return ""
	case methodNoFunds:
		return codeInsufficient
	default: // methodDeclined and every unknown method
		return codeDeclined
	}
}

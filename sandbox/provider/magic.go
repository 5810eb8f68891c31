package provider

import "time"

// Payment methods that do something of their own. The names pm_… are those of Stripe's test mode.
const (
	methodGood       = "pm_card_visa"
	methodDeclined   = "pm_card_visa_chargeDeclined"
	methodNoFunds    = "pm_card_visa_chargeDeclinedInsufficientFunds"
	methodDisputed   = "pm_card_createDispute" // charged, and disputed when it is captured
	methodSlow       = "sandbox_timeout"       // charged at once, answered after Delay
	methodBroken     = "sandbox_error"         // 500 always, never charged
	methodFlaky      = "sandbox_flaky"         // 500 for the first requests of a reference, then good
	flakyFaults      = 2
	codeDeclined     = "card_declined"
	codeInsufficient = "insufficient_funds"
)

// Delay is how late the answers to sandbox_timeout come: later than any client should wait.
const Delay = 8 * time.Second

// decline returns why a payment method is declined; "" where it is good.
func decline(method string) string {
	switch method {
	case methodGood, methodDisputed, methodSlow, methodFlaky:
		return ""
	case methodNoFunds:
		return codeInsufficient
	default: // methodDeclined, and every method that nobody knows
		return codeDeclined
	}
}

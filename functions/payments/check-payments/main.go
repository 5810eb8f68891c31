// Command check-payments tells anybody whether payments is ready, and operators which part of what it needs fails.
package main

import (
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
)

func main() {
	function.Start("payments", "check-payments", readiness.Check("payments",
		readiness.ThirdParty(provider.Name), readiness.WebhookSecret("payment-webhook")))
}

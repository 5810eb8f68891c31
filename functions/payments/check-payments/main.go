// Command check-payments reports whether payments is ready and, to operators, what fails.
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

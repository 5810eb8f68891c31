// Command check-shipping reports whether shipping is ready and, to operators, what fails.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/readiness"
	"orderflow/internal/shipping/carrier"
)

func main() {
	function.Start("shipping", "check-shipping", readiness.Check("shipping",
		readiness.ThirdParty(carrier.Name), readiness.WebhookSecret("carrier-webhook")))
}

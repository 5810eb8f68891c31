// Command check-shipping tells anybody whether shipping is ready, and operators which part of what it needs fails.
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

// Command reconcile-charges compares the payment provider's ledger with the orders' outcomes.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "reconcile-charges", handler.ReconcileCharges) }

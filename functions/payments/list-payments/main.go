// Command list-payments returns the payments of several orders.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "list-payments", handler.ListPayments) }

// Command authorize-payment holds the amount of an order at the payment provider.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "authorize-payment", handler.AuthorizePayment) }

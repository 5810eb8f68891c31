// Command authorize-payment authorizes an order's payment at the payment provider.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "authorize-payment", handler.AuthorizePayment) }

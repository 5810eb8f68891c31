// Command void-payment voids or refunds an order's payment.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "void-payment", handler.VoidPayment) }

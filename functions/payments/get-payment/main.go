// Command get-payment returns an order's payment.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "get-payment", handler.GetPayment) }

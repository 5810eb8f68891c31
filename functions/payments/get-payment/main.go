// Command get-payment answers with the payment of an order.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "get-payment", handler.GetPayment) }

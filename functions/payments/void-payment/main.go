// Command void-payment lets go or gives back whatever was charged for an order.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "void-payment", handler.VoidPayment) }

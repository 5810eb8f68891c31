// Command capture-payment takes the amount that is held for an order.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "capture-payment", handler.CapturePayment) }

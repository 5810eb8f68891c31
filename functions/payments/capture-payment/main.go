// Command capture-payment captures an order's authorized payment.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "capture-payment", handler.CapturePayment) }

// Command receive-payment-webhook handles the payment provider's notices about charges.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "receive-payment-webhook", handler.ReceivePaymentWebhook) }

// Command receive-payment-webhook takes the payment provider's notices of what happened to charges.
package main

import (
	"orderflow/internal/payments/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("payments", "receive-payment-webhook", handler.ReceivePaymentWebhook) }

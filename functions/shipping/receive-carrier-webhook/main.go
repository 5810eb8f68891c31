// Command receive-carrier-webhook handles the carrier's decisions on shipments.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "receive-carrier-webhook", handler.ReceiveCarrierWebhook) }

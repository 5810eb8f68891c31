// Command receive-carrier-webhook takes the carrier's decision on a shipment.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "receive-carrier-webhook", handler.ReceiveCarrierWebhook) }

// Command cancel-shipment cancels an order's shipment.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "cancel-shipment", handler.CancelShipment) }

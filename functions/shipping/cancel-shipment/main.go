// Command cancel-shipment calls off whatever the carrier was asked for.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "cancel-shipment", handler.CancelShipment) }

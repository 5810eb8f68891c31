// Command get-shipment returns an order's shipment.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "get-shipment", handler.GetShipment) }

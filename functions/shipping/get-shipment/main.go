// Command get-shipment answers with the shipment of an order.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "get-shipment", handler.GetShipment) }

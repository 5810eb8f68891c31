// Command arrange-shipment asks the carrier to ship an order.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "arrange-shipment", handler.ArrangeShipment) }

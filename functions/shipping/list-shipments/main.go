// Command list-shipments returns the shipments of several orders.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "list-shipments", handler.ListShipments) }

// Command list-shipments: get the shipments of several orders.
package main

import (
	"orderflow/internal/shipping/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("shipping", "list-shipments", handler.ListShipments) }

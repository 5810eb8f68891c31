// Command await-shipment stores the token by which a saga waits for the shipment.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "await-shipment", handler.AwaitShipment) }

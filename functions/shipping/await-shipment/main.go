// Command await-shipment stores the resume token of a saga that waits for a shipment.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping/handler"
)

func main() { function.Start("shipping", "await-shipment", handler.AwaitShipment) }

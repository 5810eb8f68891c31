// Command place-order accepts an order and starts its fulfilment.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "place-order", handler.PlaceOrder) }

// Command confirm-order confirms an order that is paid and handed over to the carrier.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "confirm-order", handler.ConfirmOrder) }

// Command cancel-order requests the cancellation of an order.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "cancel-order", handler.CancelOrder) }

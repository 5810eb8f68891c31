// Command reject-order ends an order of which everything is undone.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "reject-order", handler.RejectOrder) }

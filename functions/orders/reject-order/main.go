// Command reject-order ends an order after its compensation.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "reject-order", handler.RejectOrder) }

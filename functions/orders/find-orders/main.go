// Command find-orders finds orders of customers for operators.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "find-orders", handler.FindOrders) }

// Command get-order returns an order.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "get-order", handler.GetOrder) }

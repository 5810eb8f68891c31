// Command list-orders returns a customer's orders by page.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "list-orders", handler.ListOrders) }

// Command list-orders answers with a customer's orders, a page at a time.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "list-orders", handler.ListOrders) }

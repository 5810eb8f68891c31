// Command close-order bars an order from being confirmed, unless it was already.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "close-order", handler.CloseOrder) }

// Command close-order closes an order to confirmation, unless it is confirmed.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "close-order", handler.CloseOrder) }

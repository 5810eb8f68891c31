// Command get-order-summary returns an order with its parts from all services.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "get-order-summary", handler.GetOrderSummary) }

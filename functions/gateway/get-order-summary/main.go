// Command get-order-summary answers with an order and everything that the services know of it.
package main

import (
	"orderflow/internal/gateway/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("gateway", "get-order-summary", handler.GetOrderSummary) }

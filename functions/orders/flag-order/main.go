// Command flag-order marks an order whose compensation failed, for an operator.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "flag-order", handler.FlagOrder) }

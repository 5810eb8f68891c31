// Command reserve-stock reserves all lines of an order, or none.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "reserve-stock", handler.ReserveStock) }

// Command get-stock returns the stock of a product.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "get-stock", handler.GetStock) }

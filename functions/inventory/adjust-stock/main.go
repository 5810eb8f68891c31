// Command adjust-stock adjusts the quantity on hand of a product.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "adjust-stock", handler.AdjustStock) }

// Command commit-stock turns an order's reserved stock into shipped stock.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "commit-stock", handler.CommitStock) }

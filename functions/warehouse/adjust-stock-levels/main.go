// Command adjust-stock-levels applies the warehouse's stock movements in inventory.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/warehouse/handler"
)

func main() { function.Start("warehouse", "adjust-stock-levels", handler.AdjustStockLevels) }

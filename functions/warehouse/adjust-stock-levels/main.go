// Command adjust-stock-levels carries stock movements of the warehouse out in inventory.
package main

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/warehouse/handler"
)

func main() { function.Start("warehouse", "adjust-stock-levels", handler.AdjustStockLevels) }

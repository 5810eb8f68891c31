// Command release-stock makes an order's stock available again.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "release-stock", handler.ReleaseStock) }

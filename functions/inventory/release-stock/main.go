// Command release-stock makes whatever an order holds available again.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "release-stock", handler.ReleaseStock) }

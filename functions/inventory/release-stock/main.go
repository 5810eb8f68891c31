// Command release-stock puts back on hand whatever an order holds.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start(handler.ReleaseStock) }

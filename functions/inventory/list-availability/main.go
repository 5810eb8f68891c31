// Command list-availability tells whether products are in stock.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "list-availability", handler.ListAvailability) }

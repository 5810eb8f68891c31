// Command project-price writes catalog's prices to the price book.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "project-price", handler.ProjectPrice) }

// Command project-price enters the prices that catalog publishes into the price book.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "project-price", handler.ProjectPrice) }

// Command sweep-orders publishes which orders are PENDING for too long.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "sweep-orders", handler.SweepOrders) }

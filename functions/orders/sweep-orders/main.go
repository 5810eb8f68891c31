// Command sweep-orders tells of orders that are PENDING for too long.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "sweep-orders", handler.SweepOrders) }

// Command sweep-orders reports orders that have been PENDING for too long.
package main

import (
	"orderflow/internal/orders/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("orders", "sweep-orders", handler.SweepOrders) }

// Command get-reservations returns the stock held for an order.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "get-reservations", handler.GetReservations) }

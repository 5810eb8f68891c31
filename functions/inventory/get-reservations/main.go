// Command get-reservations answers with the stock that an order holds.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "get-reservations", handler.GetReservations) }

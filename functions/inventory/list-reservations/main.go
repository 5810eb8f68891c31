// Command list-reservations returns the reservations of several orders.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "list-reservations", handler.ListReservations) }

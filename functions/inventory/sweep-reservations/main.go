// Command sweep-reservations tells of stock that is reserved for too long.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "sweep-reservations", handler.SweepReservations) }

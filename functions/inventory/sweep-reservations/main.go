// Command sweep-reservations reports stock that has been reserved for too long.
package main

import (
	"orderflow/internal/inventory/handler"
	"orderflow/internal/platform/function"
)

func main() { function.Start("inventory", "sweep-reservations", handler.SweepReservations) }

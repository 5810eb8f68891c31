package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/platform/function"
)

// ListReservations composes the function list-reservations.
func ListReservations(env *function.Env) function.Handler {
	return listReservations(service(env))
}

func listReservations(svc *inventory.Service) function.Handler {
	return reservations.List("listReservations", "reservations", "orderIds", svc.ListReservations)
}

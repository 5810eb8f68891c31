package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// GetReservations composes the function get-reservations.
func GetReservations(env *function.Env) function.Handler { return getReservations(service(env)) }

func getReservations(svc *inventory.Service) function.Handler {
	return reservations.Get("getReservations", "orderId", svc.GetReservation)
}

var reservations = httpapi.Owned[inventory.Reservation, contract.Reservations]{
	Owner: func(r inventory.Reservation) string { return r.CustomerID },
	Form: func(r inventory.Reservation) contract.Reservations {
		return contract.Reservations{OrderID: r.OrderID, Status: string(r.Status), Items: r.Items}
	},
	Missing: inventory.ErrNoReservation,
}

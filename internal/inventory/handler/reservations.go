package handler

import (
	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// reservation is the API's form of inventory.Reservation.
type reservation struct {
	OrderID string           `json:"orderId"`
	Status  inventory.Status `json:"status"`
	Items   []contract.Line  `json:"items"`
}

// GetReservations composes the function get-reservations.
func GetReservations(env *function.Env) function.Handler { return getReservations(service(env)) }

func getReservations(svc *inventory.Service) function.Handler {
	return reservations.Get("getReservations", "orderId", svc.GetReservation)
}

var reservations = httpapi.Owned[inventory.Reservation, reservation]{
	Owner:   func(r inventory.Reservation) string { return r.CustomerID },
	Form:    func(r inventory.Reservation) reservation { return reservation{r.OrderID, r.Status, r.Items} },
	Missing: inventory.ErrNoReservation,
}

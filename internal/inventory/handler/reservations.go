package handler

import (
	"context"

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
	return httpapi.Handle("getReservations", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		found, err := svc.GetReservation(ctx, r.Path["orderId"])
		if err == nil && !r.Caller.MaySee(found.CustomerID) {
			err = inventory.ErrNoReservation
		}
		return httpapi.OK(fromReservation(found)), err
	})
}

func fromReservation(r inventory.Reservation) reservation {
	return reservation{r.OrderID, r.Status, r.Items}
}

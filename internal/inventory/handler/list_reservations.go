package handler

import (
	"context"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// ListReservations composes the function list-reservations.
func ListReservations(env *function.Env) function.Handler {
	return listReservations(service(env))
}

func listReservations(svc *inventory.Service) function.Handler {
	return httpapi.Handle("listReservations", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		found, err := svc.ListReservations(ctx, r.Values("orderIds"))
		owner := func(v inventory.Reservation) string { return v.CustomerID }
		return httpapi.Visible(r, "reservations", found, owner, fromReservation), err
	})
}

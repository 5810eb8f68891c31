package handler

import (
	"context"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/shipping"
)

// ListShipments composes the function list-shipments.
func ListShipments(env *function.Env) function.Handler {
	return listShipments(storeOnly(env))
}

func listShipments(svc *shipping.Service) function.Handler {
	return httpapi.Handle("listShipments", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		found, err := svc.ListShipments(ctx, r.Values("orderIds"))
		owner := func(v shipping.Shipment) string { return v.CustomerID }
		return httpapi.Visible(r, "shipments", found, owner, fromDomain), err
	})
}

package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping"
)

// ListShipments composes the function list-shipments.
func ListShipments(env *function.Env) function.Handler {
	return listShipments(storeOnly(env))
}

func listShipments(svc *shipping.Service) function.Handler {
	return shipments.List("listShipments", "shipments", "orderIds", svc.ListShipments)
}

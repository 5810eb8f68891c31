package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// GetShipment builds the function get-shipment.
func GetShipment(env *function.Env) function.Handler { return getShipment(storeOnly(env)) }

func getShipment(svc *shipping.Service) function.Handler {
	return shipments.Get("getShipment", "orderId", svc.GetShipment)
}

var shipments = httpapi.Owned[shipping.Shipment, contract.Shipment]{
	Owner: func(sh shipping.Shipment) string { return sh.CustomerID },
	Form: func(sh shipping.Shipment) contract.Shipment {
		return contract.Shipment{
			OrderID: sh.OrderID, Status: string(sh.Status), TrackingNumber: sh.TrackingNumber, Reason: sh.Reason,
		}
	},
	Missing: shipping.ErrNoShipment,
}

package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/shipping"
)

// shipment is a shipment in API responses.
type shipment struct {
	OrderID        string          `json:"orderId"`
	Status         shipping.Status `json:"status"`
	TrackingNumber string          `json:"trackingNumber,omitempty"`
	Reason         string          `json:"reason,omitempty"`
}

// GetShipment builds the function get-shipment.
func GetShipment(env *function.Env) function.Handler { return getShipment(storeOnly(env)) }

func getShipment(svc *shipping.Service) function.Handler {
	return shipments.Get("getShipment", "orderId", svc.GetShipment)
}

var shipments = httpapi.Owned[shipping.Shipment, shipment]{
	Owner: func(sh shipping.Shipment) string { return sh.CustomerID },
	Form: func(sh shipping.Shipment) shipment {
		return shipment{sh.OrderID, sh.Status, sh.TrackingNumber, sh.Reason}
	},
	Missing: shipping.ErrNoShipment,
}

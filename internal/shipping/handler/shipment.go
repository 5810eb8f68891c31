package handler

import (
	"context"

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
	return httpapi.Handle("getShipment", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		sh, err := svc.GetShipment(ctx, r.Path["orderId"])
		if err == nil && !r.Caller.MaySee(sh.CustomerID) {
			err = shipping.ErrNoShipment
		}
		return httpapi.OK(fromDomain(sh)), err
	})
}

func fromDomain(sh shipping.Shipment) shipment {
	return shipment{sh.OrderID, sh.Status, sh.TrackingNumber, sh.Reason}
}

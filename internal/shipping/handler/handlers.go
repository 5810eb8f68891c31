package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
)

// Handlers returns shipping's functions by name, using svc.
func Handlers(svc *shipping.Service, webhooks signature.Verifier) map[string]function.Handler {
	return map[string]function.Handler{
		"arrange-shipment":        step.Handle(svc.ArrangeShipment),
		"await-shipment":          step.Handle(svc.AwaitShipment),
		"cancel-shipment":         step.Handle(svc.CancelShipment),
		"get-shipment":            getShipment(svc),
		"list-shipments":          listShipments(svc),
		"receive-carrier-webhook": receiveCarrierWebhook(svc, webhooks),
	}
}

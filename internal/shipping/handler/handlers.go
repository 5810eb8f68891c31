package handler

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
)

// Handlers returns shipping's functions by name, over use cases built by the caller.
// key gives what webhooks are signed with.
func Handlers(svc *shipping.Service, key func(context.Context) ([]byte, error), c clock.Clock) map[string]function.Handler {
	return map[string]function.Handler{
		"arrange-shipment":        step.Handle(svc.ArrangeShipment),
		"await-shipment":          step.Handle(svc.AwaitShipment),
		"cancel-shipment":         step.Handle(svc.CancelShipment),
		"get-shipment":            getShipment(svc),
		"receive-carrier-webhook": receiveCarrierWebhook(svc, key, c),
	}
}

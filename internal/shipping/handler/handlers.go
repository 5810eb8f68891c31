package handler

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/shipping"
)

// Handlers returns shipping's functions by name, over use cases that somebody else composed. key
// gives what the carrier signs with.
func Handlers(svc *shipping.Service, key func(context.Context) ([]byte, error), c clock.Clock) (map[string]function.Handler, error) {
	shipment, err := getShipment(svc)
	if err != nil {
		return nil, err
	}
	webhook, err := receiveCarrierWebhook(svc, key, c)
	return map[string]function.Handler{
		"arrange-shipment":        arrangeShipment(svc),
		"await-shipment":          awaitShipment(svc),
		"cancel-shipment":         cancelShipment(svc),
		"get-shipment":            shipment,
		"receive-carrier-webhook": webhook,
	}, err
}

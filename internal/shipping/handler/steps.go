package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
)

// ArrangeShipment composes the function arrange-shipment.
func ArrangeShipment(env *function.Env) (function.Handler, error) {
	return arrangeShipment(asking(env)), nil
}

func arrangeShipment(svc *shipping.Service) function.Handler {
	return step.Handle(svc.ArrangeShipment)
}

// AwaitShipment composes the function await-shipment.
func AwaitShipment(env *function.Env) (function.Handler, error) {
	return awaitShipment(keeping(env)), nil
}

func awaitShipment(svc *shipping.Service) function.Handler {
	return step.Handle(svc.AwaitShipment)
}

// CancelShipment composes the function cancel-shipment.
func CancelShipment(env *function.Env) (function.Handler, error) {
	return cancelShipment(asking(env)), nil
}

func cancelShipment(svc *shipping.Service) function.Handler {
	return step.Handle(svc.CancelShipment)
}

package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ArrangeShipment builds the function arrange-shipment.
func ArrangeShipment(env *function.Env) function.Handler {
	return step.Handle(service(env).ArrangeShipment)
}

// AwaitShipment builds the function await-shipment, which does not call the carrier.
func AwaitShipment(env *function.Env) function.Handler {
	return step.Handle(storeOnly(env).AwaitShipment)
}

// CancelShipment builds the function cancel-shipment.
func CancelShipment(env *function.Env) function.Handler {
	return step.Handle(service(env).CancelShipment)
}

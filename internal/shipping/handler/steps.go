package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/step"
)

// ArrangeShipment composes the function arrange-shipment.
func ArrangeShipment(env *function.Env) function.Handler {
	return step.Handle(asking(env).ArrangeShipment)
}

// AwaitShipment composes the function await-shipment.
func AwaitShipment(env *function.Env) function.Handler {
	return step.Handle(keeping(env).AwaitShipment)
}

// CancelShipment composes the function cancel-shipment.
func CancelShipment(env *function.Env) function.Handler {
	return step.Handle(asking(env).CancelShipment)
}

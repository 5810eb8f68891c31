package handler

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	"orderflow/internal/shipping/dynamo"
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

// service builds the use cases for functions that call the carrier.
func service(env *function.Env) *shipping.Service {
	store := dynamo.Open(ddb.FromEnv(env))
	calls := outbound.New(env, "shipping", store)
	return shipping.New(store, carrier.New(calls.To(carrier.Name)), env.Clock, env.IDs)
}

// storeOnly builds the use cases for functions that do not call the carrier.
func storeOnly(env *function.Env) *shipping.Service {
	return shipping.New(dynamo.Open(ddb.FromEnv(env)), nil, env.Clock, env.IDs)
}

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

// asking is for the functions that call the carrier.
func asking(env *function.Env) *shipping.Service {
	store := dynamo.Store{Table: ddb.FromEnv(env)}
	calls := outbound.New(env, "shipping", store)
	return shipping.New(store, carrier.New(calls.To(carrier.Name)), env.Clock, env.IDs)
}

// keeping is for those that have only the table.
func keeping(env *function.Env) *shipping.Service {
	return shipping.New(dynamo.Store{Table: ddb.FromEnv(env)}, nil, env.Clock, env.IDs)
}

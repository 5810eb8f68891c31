// Package handler builds shipping's functions, one constructor each.
package handler

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	"orderflow/internal/shipping/dynamo"
)

// storeOnly builds the use cases for functions that do not call the carrier.
func storeOnly(env *function.Env) *shipping.Service {
	return shipping.New(dynamo.Open(ddb.FromEnv(env)), nil, env.Clock, env.IDs)
}

// service builds the use cases for functions that call the carrier.
func service(env *function.Env) *shipping.Service {
	store := dynamo.Open(ddb.FromEnv(env))
	calls := outbound.New(env, "shipping", store)
	return shipping.New(store, carrier.New(calls.To(carrier.Name)), env.Clock, env.IDs)
}

// Package handler composes shipping's functions, one constructor each.
package handler

import (
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/registry"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	"orderflow/internal/shipping/dynamo"
)

// asking is for the functions that call the carrier.
func asking(env *function.Env) *shipping.Service {
	r := registry.Open(env.AWS(), env.Require("STAGE"), env.Clock)
	return shipping.New(dynamo.New(platform.FromEnv(env)), carrier.New(r), env.Clock, env.IDs)
}

// keeping is for those that have only the table.
func keeping(env *function.Env) *shipping.Service {
	return shipping.New(dynamo.New(platform.FromEnv(env)), nil, env.Clock, env.IDs)
}

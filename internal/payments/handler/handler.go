// Package handler composes payments' functions, one constructor each.
package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/payments/provider"
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/registry"
)

// service is for the functions that call the provider.
func service(env *function.Env) *payments.Service {
	r := registry.Open(env.AWS(), env.Require("STAGE"), env.Clock)
	return payments.New(dynamo.New(platform.FromEnv(env)), provider.New(r), env.Clock, env.IDs)
}

// Package handler composes payments' functions, one constructor each.
package handler

import (
	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/payments/provider"
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbound"
)

// service is for the functions that call the provider.
func service(env *function.Env) *payments.Service {
	store := dynamo.New(platform.FromEnv(env))
	calls := outbound.New(env, "payments", store)
	return payments.New(store, provider.New(calls.To(provider.Name)), env.Clock, env.IDs)
}

// Package handler builds payments' functions, one constructor each.
package handler

import (
	"fmt"

	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/payments/provider"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/secrets"
)

// service builds the use cases for functions that call the provider named by PAYMENT_PROVIDER.
func service(env *function.Env) *payments.Service {
	store := dynamo.Open(ddb.FromEnv(env))
	calls := outbound.New(env, "payments", store)
	var third payments.Provider
	switch name := env.Require("PAYMENT_PROVIDER"); name {
	case "registry":
		third = provider.New(calls.To(provider.Name))
	case "stripe":
		key := secrets.Open(env.AWS(), env.Require("PROVIDER_SECRET"), env.Clock)
		third = stripe.New(calls.To(stripe.Name), key.Value, env.IDs, env.Optional("RETURN_URL"))
	case "": // env reports the missing variable
	default:
		env.Fail(fmt.Errorf("PAYMENT_PROVIDER is %q; set it to registry or stripe", name))
	}
	return payments.New(store, third, env.Clock, env.IDs)
}

// storeOnly builds the use cases for functions that do not call the provider.
func storeOnly(env *function.Env) *payments.Service {
	return payments.New(dynamo.Open(ddb.FromEnv(env)), nil, env.Clock, env.IDs)
}

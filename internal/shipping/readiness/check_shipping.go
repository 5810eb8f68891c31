// Package readiness composes the function that tells whether what shipping needs is there. It stands apart from package handler since every
// function of shipping would pay at its start for the clients that only this one has.
package readiness

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/outbox/snstopic"
	platform "orderflow/internal/platform/readiness"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/secrets"
	"orderflow/internal/shipping/carrier"
)

// CheckShipping composes the function check-shipping.
func CheckShipping(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	known := registry.Source(env.AWS(), env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock)
	secret := secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock)
	return checkShipping(health.New(env.Clock,
		platform.Table(table),
		platform.Topic(snstopic.FromEnv(env)),
		platform.Address(known, carrier.Name),
		platform.Breaker(table, carrier.Name),
		platform.Secret("carrier-webhook", secret.Present),
	))
}

func checkShipping(set *health.Set) function.Handler {
	return platform.Handle("shipping", "checkShipping", "inspectShipping", set)
}

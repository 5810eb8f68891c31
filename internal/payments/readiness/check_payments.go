// Package readiness composes the function that tells whether what payments needs is there. It stands apart from package handler since every
// function of payments would pay at its start for the clients that only this one has.
package readiness

import (
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/outbox/snstopic"
	platform "orderflow/internal/platform/readiness"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/secrets"
)

// CheckPayments composes the function check-payments.
func CheckPayments(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	known := registry.Source(env.AWS(), env.Require("STAGE"), env.Require("DISCOVERY"), env.Clock)
	secret := secrets.Open(env.AWS(), env.Require("WEBHOOK_SECRET"), env.Clock)
	return checkPayments(health.New(env.Clock,
		platform.Table(table),
		platform.Topic(snstopic.FromEnv(env)),
		platform.Address(known, provider.Name),
		platform.Breaker(table, provider.Name),
		platform.Secret("payment-webhook", secret.Present),
	))
}

func checkPayments(set *health.Set) function.Handler {
	return platform.Handle("payments", "checkPayments", "inspectPayments", set)
}

// Package readiness composes the function that tells whether what orders needs is there. It stands apart from package handler since every
// function of orders would pay at its start for the clients that only this one has.
package readiness

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/outbox/snstopic"
	platform "orderflow/internal/platform/readiness"
)

// CheckOrders composes the function check-orders.
func CheckOrders(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	return checkOrders(health.New(env.Clock,
		platform.Table(table),
		platform.Topic(snstopic.FromEnv(env)),
	))
}

func checkOrders(set *health.Set) function.Handler {
	return platform.Handle("orders", "checkOrders", "inspectOrders", set)
}

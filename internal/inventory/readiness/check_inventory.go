// Package readiness composes the function that tells whether what inventory needs is there. It stands apart from package handler since every
// function of inventory would pay at its start for the clients that only this one has.
package readiness

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/outbox/snstopic"
	platform "orderflow/internal/platform/readiness"
)

// CheckInventory composes the function check-inventory.
func CheckInventory(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	return checkInventory(health.New(env.Clock,
		platform.Table(table),
		platform.Topic(snstopic.FromEnv(env)),
	))
}

func checkInventory(set *health.Set) function.Handler {
	return platform.Handle("inventory", "checkInventory", "inspectInventory", set)
}

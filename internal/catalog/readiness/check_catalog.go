// Package readiness composes the function that tells whether what catalog needs is there. It stands apart from package handler since every
// function of catalog would pay at its start for the clients that only this one has.
package readiness

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/outbox/snstopic"
	platform "orderflow/internal/platform/readiness"
)

// CheckCatalog composes the function check-catalog.
func CheckCatalog(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	return checkCatalog(health.New(env.Clock,
		platform.Table(table),
		platform.Topic(snstopic.FromEnv(env)),
	))
}

func checkCatalog(set *health.Set) function.Handler {
	return platform.Handle("catalog", "checkCatalog", "inspectCatalog", set)
}

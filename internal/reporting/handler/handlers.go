// Package handler composes reporting's functions, one constructor each.
package handler

import (
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/dynamo"
)

// Handlers returns reporting's functions by name, over use cases and ports built by the caller.
func Handlers(svc *reporting.Service, log reporting.Producer) map[string]function.Handler {
	return map[string]function.Handler{
		"forward-events":      forwardEvents(log),
		"get-best-sellers":    getBestSellers(svc),
		"get-funnel":          getFunnel(svc),
		"get-latency":         getLatency(svc),
		"get-sales":           getSales(svc),
		"list-parked-records": listParkedRecords(svc),
		"project-sales":       projectSales(svc),
	}
}

// reader builds the use cases that read reports.
func reader(env *function.Env) *reporting.Service {
	return reporting.New(dynamo.Store{Table: ddb.FromEnv(env)}, env.Clock, nil)
}

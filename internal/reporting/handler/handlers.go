package handler

import (
	"orderflow/internal/platform/function"
	"orderflow/internal/reporting"
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

// RebuildHandlers returns the functions of rebuilds by name, over use cases built by the caller.
func RebuildHandlers(svc *reporting.Rebuilds) map[string]function.Handler {
	return map[string]function.Handler{
		"build-generation":  buildGeneration(svc),
		"get-rebuild":       getRebuild(svc.Service),
		"remove-generation": removeGeneration(svc),
		"start-rebuild":     startRebuild(svc),
		"stop-rebuild":      stopRebuild(svc),
	}
}

package handler

import (
	"context"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbound"
	"orderflow/internal/platform/resilience"
)

// CheckReadiness builds the function check-readiness, which also has the health reports for
// operators.
func CheckReadiness(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	var circuits []health.Check
	for _, b := range gateway.SummaryBackends {
		circuits = append(circuits, resilience.Health(table, string(b)))
	}
	backends := services.New(outbound.New(env, "gateway", table).To)
	return checkReadiness(gateway.NewHealth(backends, env.Clock, health.New(env.Clock, circuits...)))
}

func checkReadiness(h *gateway.Health) function.Handler {
	return httpapi.Route(map[string]httpapi.HandlerFunc{
		"checkReadiness": func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			return httpapi.Health(h.CheckReadiness(ctx)), nil
		},
		"inspectHealth": func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(h.InspectHealth(ctx, r.Header.Get("Authorization"))), nil
		},
	})
}

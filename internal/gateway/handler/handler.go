// Package handler builds the gateway's functions, one constructor each.
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

// GetOrderSummary builds the function get-order-summary.
func GetOrderSummary(env *function.Env) function.Handler {
	return getOrderSummary(gateway.New(services.New(outbound.New(env, "gateway", ddb.FromEnv(env)).To)))
}

func getOrderSummary(svc *gateway.Service) function.Handler {
	return httpapi.Handle("getOrderSummary", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		summary, err := svc.GetOrderSummary(ctx, r.Path["orderId"], r.Header.Get("Authorization"))
		return httpapi.OK(summary), err
	})
}

// CheckLiveness builds the function check-liveness, which has no dependencies and no permissions.
// It also answers OPTIONS for the whole API (ADR 26).
func CheckLiveness(*function.Env) function.Handler {
	h := httpapi.Handle("checkLiveness", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.OK(gateway.CheckLiveness()), nil
	})
	return httpapi.WithPreflights(h)
}

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

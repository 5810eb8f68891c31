// Package handler composes the edge's functions, one constructor each.
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

func service(env *function.Env) *gateway.Service {
	calls := outbound.New(env, "gateway", ddb.FromEnv(env))
	return gateway.New(services.New(calls.To))
}

// GetOrderSummary composes the function get-order-summary.
func GetOrderSummary(env *function.Env) function.Handler { return getOrderSummary(service(env)) }

func getOrderSummary(svc *gateway.Service) function.Handler {
	return httpapi.Handle("getOrderSummary", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		summary, err := svc.GetOrderSummary(ctx, r.Path["orderId"], r.Header.Get("Authorization"))
		return httpapi.OK(summary), err
	})
}

// CheckLiveness composes the function check-liveness, which needs nothing and may do nothing. It answers OPTIONS for the
// whole API, too (ADR 26).
func CheckLiveness(*function.Env) function.Handler {
	return httpapi.WithPreflights(httpapi.Handle("checkLiveness", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.OK(gateway.CheckLiveness()), nil
	}))
}

// CheckReadiness composes the function check-readiness, which also serves operators who ask for the parts.
func CheckReadiness(env *function.Env) function.Handler {
	table := ddb.FromEnv(env)
	var circuits []health.Check
	for _, b := range gateway.Asked {
		circuits = append(circuits, resilience.Health(table, string(b)))
	}
	asked := services.New(outbound.New(env, "gateway", table).To)
	return checkReadiness(gateway.NewHealth(asked, env.Clock, health.New(env.Clock, circuits...)))
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

// Package handler composes the edge's functions, one constructor each.
package handler

import (
	"context"
	"net/http"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbound"
)

func service(env *function.Env) *gateway.Service {
	calls := outbound.New(env, "gateway", dynamo.FromEnv(env))
	return gateway.New(services.New(calls.To), env.Clock)
}

// GetOrderSummary composes the function get-order-summary.
func GetOrderSummary(env *function.Env) (function.Handler, error) {
	return getOrderSummary(service(env))
}

func getOrderSummary(svc *gateway.Service) (function.Handler, error) {
	return httpapi.Handle("getOrderSummary", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		summary, err := svc.GetOrderSummary(ctx, r.Path["orderId"], r.Header.Get("Authorization"))
		return httpapi.OK(summary), err
	})
}

// CheckLiveness composes the function check-liveness, which needs nothing.
func CheckLiveness(*function.Env) (function.Handler, error) {
	return httpapi.Handle("checkLiveness", func(context.Context, *httpapi.Request) (httpapi.Response, error) {
		return httpapi.OK(gateway.CheckLiveness()), nil
	})
}

// CheckReadiness composes the function check-readiness.
func CheckReadiness(env *function.Env) (function.Handler, error) { return checkReadiness(service(env)) }

func checkReadiness(svc *gateway.Service) (function.Handler, error) {
	return httpapi.Handle("checkReadiness", func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
		health := svc.CheckReadiness(ctx)
		res := httpapi.OK(health)
		if health.Status != gateway.Pass {
			res.Status, res.Header = http.StatusServiceUnavailable, map[string]string{"Retry-After": "5"}
		}
		return res, nil
	})
}

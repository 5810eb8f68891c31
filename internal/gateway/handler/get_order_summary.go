package handler

import (
	"context"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbound"
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

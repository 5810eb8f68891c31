package handler

import (
	"context"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// GetOrder builds the function get-order.
func GetOrder(env *function.Env) function.Handler { return getOrder(service(env)) }

func getOrder(svc *orders.Service) function.Handler {
	return httpapi.Handle("getOrder", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		o, err := svc.GetOrder(ctx, r.Path["orderId"], r.Caller.MaySee)
		return httpapi.OK(toAPI(o)), err
	})
}

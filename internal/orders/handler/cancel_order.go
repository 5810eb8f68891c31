package handler

import (
	"context"
	"net/http"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// CancelOrder builds the function cancel-order.
func CancelOrder(env *function.Env) function.Handler { return cancelOrder(service(env)) }

func cancelOrder(svc *orders.Service) function.Handler {
	return httpapi.Handle("cancelOrder", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		o, replayed, err := svc.CancelOrder(ctx, r.Idempotency(), r.Path["orderId"], r.Caller.Subject, r.Caller.MaySee)
		return httpapi.Response{Status: http.StatusAccepted, Body: toAPI(o)}.After(poll).Replayed(replayed), err
	})
}

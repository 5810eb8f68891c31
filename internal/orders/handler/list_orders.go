package handler

import (
	"context"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// ListOrders builds the function list-orders.
func ListOrders(env *function.Env) function.Handler { return listOrders(service(env)) }

func listOrders(svc *orders.Service) function.Handler {
	return httpapi.Handle("listOrders", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		limit, cursor := r.Page()
		found, next, err := svc.ListOrders(ctx, r.Caller.Subject, orders.Listing{
			Limit: limit, Cursor: cursor, After: r.Query.Get("after"), Status: orders.Status(r.Query.Get("status")),
		})
		return httpapi.List("orders", found, next, toAPI), err
	})
}

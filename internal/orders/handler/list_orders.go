package handler

import (
	"context"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

type page struct {
	Orders []order `json:"orders"`
	// Cursor is null on the last page.
	Cursor *string `json:"cursor"`
}

// ListOrders composes the function list-orders.
func ListOrders(env *function.Env) function.Handler { return listOrders(service(env)) }

func listOrders(svc *orders.Service) function.Handler {
	return httpapi.Handle("listOrders", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		limit, cursor := r.Page()
		found, next, err := svc.ListOrders(ctx, r.Caller.Subject, limit, cursor)
		p := page{Orders: make([]order, len(found))}
		for i, o := range found {
			p.Orders[i] = form(o)
		}
		if next != "" {
			p.Cursor = &next
		}
		return httpapi.OK(p), err
	})
}

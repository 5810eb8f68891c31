package handler

import (
	"context"
	"strconv"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
)

// found returns an order as operators list it.
func found(o orders.Order) contract.FoundOrder {
	f := contract.FoundOrder{
		OrderID: o.OrderID, CustomerID: o.CustomerID, Status: string(o.Status), Reason: orNull(o.Reason),
		Detail: o.Detail, CancelRequested: o.CancelRequested, TrackingNumber: o.TrackingNumber, Total: o.Total,
		CreatedAt: clock.Stamp{Time: o.CreatedAt}, UpdatedAt: clock.Stamp{Time: o.UpdatedAt},
	}
	if o.NextAction != nil {
		f.CustomerActionUntil = &clock.Stamp{Time: o.NextAction.Until}
	}
	return f
}

// FindOrders builds the function find-orders.
func FindOrders(env *function.Env) function.Handler { return findOrders(service(env)) }

func findOrders(svc *orders.Service) function.Handler {
	return httpapi.Handle("findOrders", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		limit, cursor := r.Page()
		seconds, _ := strconv.Atoi(r.Query.Get("olderThan")) // a number, by the contract
		page, next, err := svc.FindOrders(ctx, orders.Search{
			CustomerID: r.Query.Get("customer"), Status: orders.Status(r.Query.Get("status")),
			Reason: orders.Reason(r.Query.Get("reason")), OlderThan: time.Duration(seconds) * time.Second,
			Limit: limit, Cursor: cursor,
		})
		return httpapi.List("orders", page, next, found), err
	})
}

package handler

import (
	"context"
	"strconv"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/money"
)

// foundOrder is an order in an operator's list.
type foundOrder struct {
	OrderID         string         `json:"orderId"`
	CustomerID      string         `json:"customerId"`
	Status          orders.Status  `json:"status"`
	Reason          *orders.Reason `json:"reason"`
	Detail          string         `json:"detail,omitempty"`
	CancelRequested bool           `json:"cancelRequested"`
	TrackingNumber  string         `json:"trackingNumber,omitempty"`
	Total           money.Money    `json:"total"`
	CreatedAt       clock.Stamp    `json:"createdAt"`
	UpdatedAt       clock.Stamp    `json:"updatedAt"`
}

func found(o orders.Order) foundOrder {
	return foundOrder{
		OrderID: o.OrderID, CustomerID: o.CustomerID, Status: o.Status, Reason: orNull(o.Reason), Detail: o.Detail,
		CancelRequested: o.CancelRequested, TrackingNumber: o.TrackingNumber, Total: o.Total,
		CreatedAt: clock.Stamp{Time: o.CreatedAt}, UpdatedAt: clock.Stamp{Time: o.UpdatedAt},
	}
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

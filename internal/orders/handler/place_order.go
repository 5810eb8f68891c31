package handler

import (
	"context"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/tracing"
)

type placement struct {
	Items []struct {
		SKU      string `json:"sku"`
		Quantity int    `json:"quantity"`
	} `json:"items"`
	ShippingAddress contract.Address `json:"shippingAddress"`
	PaymentMethod   string           `json:"paymentMethod"`
	ExpectedTotal   *money.Money     `json:"expectedTotal"`
}

// PlaceOrder composes the function place-order.
func PlaceOrder(env *function.Env) (function.Handler, error) { return placeOrder(service(env)) }

func placeOrder(svc *orders.Service) (function.Handler, error) {
	return httpapi.Handle("placeOrder", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		in, err := httpapi.Decode[placement](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		p := orders.Placement{
			CustomerID: r.Caller.Subject, CustomerEmail: r.Caller.Email,
			ShippingAddress: in.ShippingAddress, PaymentMethod: in.PaymentMethod, ExpectedTotal: in.ExpectedTotal,
		}
		for _, item := range in.Items {
			p.Lines = append(p.Lines, orders.Line(item))
		}
		o, replayed, err := svc.PlaceOrder(ctx, r.Idempotency(), p)
		tracing.Annotate(ctx, tracing.Order(o.OrderID))
		return httpapi.Accepted(r.Member(o.OrderID), form(o)).Replayed(replayed), err
	})
}

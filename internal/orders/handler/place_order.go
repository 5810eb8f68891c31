package handler

import (
	"context"
	"fmt"
	"strconv"

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

// PlaceOrder builds the function place-order.
func PlaceOrder(env *function.Env) function.Handler {
	limits := orders.Limits{Open: limit(env, "MAX_OPEN_ORDERS"), Declines: limit(env, "MAX_DECLINES_PER_HOUR")}
	return placeOrder(service(env).Limited(limits))
}

// limit reads a limit from 1 to 100, the number of orders that can be read in one batch.
func limit(env *function.Env, name string) int {
	n, err := strconv.Atoi(env.Require(name))
	if err != nil || n < 1 || n > 100 {
		env.Fail(fmt.Errorf("environment variable %s must be a number from 1 to 100", name))
	}
	return n
}

func placeOrder(svc *orders.Service) function.Handler {
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
		return httpapi.Accepted(r.Member(o.OrderID), toAPI(o)).After(poll).Replayed(replayed), err
	})
}

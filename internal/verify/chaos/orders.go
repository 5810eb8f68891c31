package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/money"
	"orderflow/internal/verify/concurrent"
)

// order is a planned order that was placed.
type order struct {
	plannedOrder
	id string
	// cancelled: the customer's cancellation was accepted.
	cancelled bool
}

// patient repeats requests whose failure may pass, with the same key: a killed function fails its
// callers once, and the price of a new product reaches orders with an event.
type patient struct{}

var patientHTTP = &http.Client{Transport: patient{}, Timeout: time.Minute}

func (patient) RoundTrip(r *http.Request) (*http.Response, error) {
	for {
		attempt := r.Clone(r.Context())
		if r.GetBody != nil {
			attempt.Body, _ = r.GetBody() // of bytes, which does not fail
		}
		res, err := http.DefaultTransport.RoundTrip(attempt)
		passing := err != nil || res.StatusCode == http.StatusUnprocessableEntity ||
			(&client.Problem{Status: res.StatusCode}).Temporary()
		if !passing || clock.Sleep(r.Context(), 200*time.Millisecond) != nil {
			return res, err
		}
		if err == nil {
			_ = res.Body.Close()
		}
	}
}

func persistent(c *client.Client) *client.Client {
	c.HTTP = patientHTTP
	return c
}

func (r *run) operator() *client.Client            { return persistent(r.shop.Operator) }
func (r *run) customer(name string) *client.Client { return persistent(r.shop.As(name)) }

// openShop puts the products up for sale.
func (r *run) openShop(ctx context.Context) error {
	for _, p := range products(r.Orders) {
		_, put := r.operator().PutProduct(ctx, p.sku, "Chaos product",
			money.Money{Currency: "EUR", Amount: p.cents}, "")
		_, stocked := r.operator().AdjustStock(ctx, "stock-"+p.sku, p.sku,
			client.Adjustment{Delta: p.stocked, Reason: "chaos", AllowUnknownSKU: true})
		if err := errors.Join(put, stocked); err != nil {
			return fmt.Errorf("%s: %w", p.sku, err)
		}
	}
	return nil
}

// placeOrders places all orders of the plan, each at its time, and cancels some.
func (r *run) placeOrders(ctx context.Context) error {
	planned := plan(r.rand(1), r.Orders, r.Over)
	return concurrent.Do(len(planned), atOnce, func(n int) error {
		p := planned[n]
		if err := clock.Sleep(ctx, time.Until(r.began.Add(p.at))); err != nil {
			return err
		}
		placed, err := r.customer(p.customer).PlaceOrder(ctx, p.key(), p.request)
		if err != nil {
			return fmt.Errorf("place order %d: %w", n, err)
		}
		o := &order{plannedOrder: p, id: placed.OrderID}
		r.locked(func() { r.orders = append(r.orders, o) })
		if p.cancel > 0 && clock.Sleep(ctx, p.cancel) == nil {
			r.cancel(ctx, o)
		}
		return nil
	})
}

// cancel requests the cancellation of an order. 409, too late, is a valid response.
func (r *run) cancel(ctx context.Context, o *order) {
	_, err := r.customer(o.customer).CancelOrder(ctx, "cancel-"+o.key(), o.id, "")
	if o.cancelled = err == nil; err != nil && statusOf(err) != http.StatusConflict {
		r.locked(func() {
			r.wrong = append(r.wrong, violation{"a call is answered in the end", o.id, "cancel: " + err.Error()})
		})
	}
}

// statusOf returns the status of an error response, or 0.
func statusOf(err error) int {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

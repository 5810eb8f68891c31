package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/money"
)

// placed is a wish's order.
type placed struct {
	wish
	id string
	// cancelled: the customer's cancellation was accepted.
	cancelled bool
}

// as returns a client for a user.
func (r *run) as(user, role string) *client.Client {
	return &client.Client{BaseURL: r.stack.Outputs["ApiUrl"], Token: func(ctx context.Context) (string, error) {
		return r.stack.Token(ctx, user, role)
	}}
}

func (r *run) operator() *client.Client { return r.as("olga", "operator") }

// open puts the products up for sale and waits until orders has the prices.
func (r *run) open(ctx context.Context) error {
	for _, p := range products(r.Orders) {
		if _, err := r.operator().PutProduct(ctx, p.sku, "Chaos product", money.Money{Currency: "EUR", Amount: p.cents},
			""); err != nil {
			return fmt.Errorf("put product %s: %w", p.sku, err)
		}
		if _, err := r.operator().AdjustStock(ctx, "stock-"+p.sku, p.sku,
			client.Adjustment{Delta: p.stocked, Reason: "chaos", AllowUnknownSKU: true}); err != nil {
			return fmt.Errorf("stock %s: %w", p.sku, err)
		}
	}
	for _, p := range products(r.Orders) {
		// An order whose payment is declined shows whether the price is known, and leaves nothing
		// behind.
		request := client.OrderRequest{Items: []client.Item{{SKU: p.sku, Quantity: 1}},
			PaymentMethod: "pm_card_visa_chargeDeclined",
			ShippingAddress: client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
				PostalCode: "10115", Country: "DE"}}
		err := again(ctx, 30*time.Second, func() (bool, error) {
			o, err := r.operator().PlaceOrder(ctx, "price-"+p.sku, request)
			if status(err) == http.StatusUnprocessableEntity {
				return true, err
			}
			if err == nil {
				_, err = r.operator().WaitFinal(ctx, o.OrderID, nil)
			}
			return false, err
		})
		if err != nil {
			return fmt.Errorf("orders does not learn the price of %s: %w", p.sku, err)
		}
	}
	return nil
}

// shopping places all orders of the plan, each at its time, and cancels some. Failed calls are
// retried with the same key.
func (r *run) shopping(ctx context.Context, wishes []wish) error {
	var all, cancelling sync.WaitGroup
	next := make(chan wish)
	errs := make([]error, len(wishes))
	for range atOnce {
		all.Go(func() {
			for w := range next {
				p, err := r.place(ctx, w)
				errs[w.n] = err
				if err == nil && w.cancel > 0 {
					cancelling.Go(func() { r.cancel(ctx, p) })
				}
			}
		})
	}
	for _, w := range wishes {
		if err := clock.Sleep(ctx, time.Until(r.began.Add(w.at))); err != nil {
			break
		}
		next <- w
	}
	close(next)
	all.Wait()
	cancelling.Wait()
	return errors.Join(errs...)
}

func (r *run) place(ctx context.Context, w wish) (*placed, error) {
	var o client.Order
	err := again(ctx, time.Minute, func() (retry bool, err error) {
		o, err = r.as(w.customer, "").PlaceOrder(ctx, w.key(), w.request)
		return passing(err), err
	})
	if err != nil {
		return nil, fmt.Errorf("place order %d: %w", w.n, err)
	}
	p := &placed{wish: w, id: o.OrderID}
	r.lock.Lock()
	defer r.lock.Unlock()
	r.orders = append(r.orders, p)
	return p, nil
}

// cancel requests the cancellation of an order. "Too late" is a valid answer.
func (r *run) cancel(ctx context.Context, p *placed) {
	if clock.Sleep(ctx, p.cancel) != nil {
		return
	}
	err := again(ctx, time.Minute, func() (bool, error) {
		_, err := r.as(p.customer, "").CancelOrder(ctx, "cancel-"+p.key(), p.id, "")
		return passing(err), err
	})
	r.lock.Lock()
	defer r.lock.Unlock()
	switch {
	case err == nil:
		p.cancelled = true
	case status(err) != http.StatusConflict:
		r.wrong = append(r.wrong, violation{"a call is answered in the end", p.id, "cancel: " + err.Error()})
	}
}

// status returns the response's status, 0 without a response.
func status(err error) int {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Status
	}
	return 0
}

// passing reports whether the call may succeed later.
func passing(err error) bool {
	var p *client.Problem
	return err != nil && (!errors.As(err, &p) || p.Temporary())
}

// again calls do until it wants no retry, or patience ends.
func again(ctx context.Context, patience time.Duration, do func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		repeat, err := do()
		if !repeat {
			return err
		}
		if clock.Sleep(ctx, 200*time.Millisecond) != nil {
			return err
		}
	}
}

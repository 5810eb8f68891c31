package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
)

// order is an order of the plan.
type order struct {
	n        int
	at       time.Duration // since the start
	customer string
	request  client.OrderRequest
	cancel   time.Duration // until the customer cancels it; 0: never

	id        string // once it is placed
	cancelled bool   // the customer's cancellation was accepted
}

// patient repeats requests after temporary failures, with the same key: a killed function fails its
// callers once, and the price of a new product reaches orders by an event.
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

func (r *run) customer(name string) *client.Client { return persistent(r.shop.CustomerNamed(name)) }

// openShop creates the products and their stock. With brokers, the stock comes from the warehouse.
func (r *run) openShop(ctx context.Context) error {
	for _, p := range products(r.Orders) {
		adjusted := p.stocked
		if r.brokers != nil {
			adjusted = 0
		}
		if err := r.shop.Sell(ctx, p.sku, "Chaos product", p.cents, adjusted); err != nil {
			return err
		}
	}
	if r.brokers == nil {
		return nil
	}
	if err := r.receive(ctx); err != nil {
		return err
	}
	return r.awaitGoods(ctx)
}

// placeOrders places all orders of the plan, each at its time, and cancels some.
func (r *run) placeOrders(ctx context.Context) error {
	planned := plan(r.rand(1), r.Orders, r.duration(), !r.Serve)
	return concurrent.Do(len(planned), atOnce, func(n int) error {
		o := &planned[n]
		if err := clock.Sleep(ctx, time.Until(r.began.Add(o.at))); err != nil {
			return err
		}
		placed, err := r.customer(o.customer).PlaceOrder(ctx, o.key(), o.request)
		if err != nil {
			return fmt.Errorf("place order %d: %w", n, err)
		}
		o.id = placed.OrderID
		r.locked(func() { r.orders = append(r.orders, o) })
		if o.cancel > 0 && clock.Sleep(ctx, o.cancel) == nil {
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

type product struct {
	sku     string
	cents   int64
	stocked int
}

const scarce = "CHAOS-SCARCE"

// products have stock for all orders, except the one that runs out.
func products(orders int) []product {
	return []product{
		{"CHAOS-MUG", 1999, 10 * orders},
		{"CHAOS-SHIRT", 2500, 10 * orders},
		{"CHAOS-TEAPOT", 5900, 10 * orders},
		{scarce, 14900, orders / 5},
	}
}

func (o order) key() string { return fmt.Sprintf("chaos-%d", o.n) }

// weighted is a choice with its weight.
type weighted struct {
	value  string
	weight int
}

var (
	methods = []weighted{
		{"pm_card_visa", 68}, {"sandbox_flaky", 13}, {"pm_card_visa_chargeDeclined", 8},
		{"pm_card_visa_chargeDeclinedInsufficientFunds", 4}, {slow, 5}, {"sandbox_error", 2},
	}
	postalCodes = []weighted{{"10115", 90}, {"00000", 10}}
)

// slow is the payment method for which the provider answers late.
const slow = "sandbox_timeout"

// silent is the postal code for which the carrier never answers. The saga waits long, so only a few
// early orders go there.
const silent = "99999"

// pick draws a choice; the weights add up to 100.
func pick(r *rand.Rand, choices []weighted) string {
	n := r.IntN(100)
	for _, c := range choices {
		if n -= c.weight; n < 0 {
			return c.value
		}
	}
	panic("the weights do not add up to 100")
}

// plan draws the orders, spread over a time. If wanted, the carrier never answers some, and the
// provider answers some after 8 s. No process may live that long; then each process starts those
// again.
func plan(r *rand.Rand, orders int, over time.Duration, unanswered bool) []order {
	all := make([]order, orders)
	goods := products(orders)
	for n := range all {
		o := order{n: n, at: over * time.Duration(n) / time.Duration(orders), customer: customer(n)}
		postal := pick(r, postalCodes)
		if n < orders/5 && r.IntN(15) == 0 && unanswered {
			postal = silent
		}
		for _, i := range r.Perm(len(goods))[:1+r.IntN(2)] {
			o.request.Items = append(o.request.Items, client.Item{SKU: goods[i].sku, Quantity: 1 + r.IntN(3)})
		}
		o.request.PaymentMethod = pick(r, methods)
		if o.request.PaymentMethod == slow && !unanswered {
			o.request.PaymentMethod = "pm_card_visa"
		}
		o.request.ShippingAddress = client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
			PostalCode: postal, Country: "DE"}
		if r.IntN(7) == 0 {
			o.cancel = 1 + time.Duration(r.Int64N(int64(4*time.Second)))
		}
		all[n] = o
	}
	return all
}

// customers is the number of customers. It is large enough that none reaches the limits of open
// orders and of declined payments.
const customers = 40

func customer(n int) string { return fmt.Sprintf("chaos%d", n%customers) }

// atOnce is the number of orders placed, and read, concurrently.
const atOnce = 8

package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"

	"orderflow/internal/ops/client"
)

// product is a product of the shop.
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

// wish is a planned order.
type wish struct {
	n        int
	at       time.Duration // since the start
	customer string
	request  client.OrderRequest
	// cancel is the delay until the customer cancels it; 0: never.
	cancel time.Duration
}

func (w wish) key() string { return fmt.Sprintf("chaos-%d", w.n) }

// share is a choice with its weight.
type share struct {
	value  string
	weight int
}

var (
	methods = []share{
		{"pm_card_visa", 68}, {"sandbox_flaky", 13}, {"pm_card_visa_chargeDeclined", 8},
		{"pm_card_visa_chargeDeclinedInsufficientFunds", 4}, {"sandbox_timeout", 5}, {"sandbox_error", 2},
	}
	postalCodes = []share{{"10115", 90}, {"00000", 10}}
)

// silent is the postal code for which the carrier never answers. The saga waits long, so only a few
// early orders go there.
const silent = "99999"

func pick(r *rand.Rand, shares []share) string {
	total := 0
	for _, s := range shares {
		total += s.weight
	}
	n := r.IntN(total)
	for _, s := range shares {
		if n -= s.weight; n < 0 {
			return s.value
		}
	}
	return shares[0].value
}

// plan draws the orders, spread over a time.
func plan(r *rand.Rand, orders int, over time.Duration) []wish {
	all := make([]wish, orders)
	goods := products(orders)
	for n := range all {
		w := wish{n: n, at: over * time.Duration(n) / time.Duration(orders), customer: customer(n)}
		postal := pick(r, postalCodes)
		if n < orders/5 && r.IntN(15) == 0 {
			postal = silent
		}
		for _, i := range r.Perm(len(goods))[:1+r.IntN(2)] {
			w.request.Items = append(w.request.Items, client.Item{SKU: goods[i].sku, Quantity: 1 + r.IntN(3)})
		}
		w.request.PaymentMethod = pick(r, methods)
		w.request.ShippingAddress = client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
			PostalCode: postal, Country: "DE"}
		if r.IntN(7) == 0 {
			w.cancel = 1 + time.Duration(r.Int64N(int64(4*time.Second)))
		}
		all[n] = w
	}
	return all
}

// customers is the number of customers: enough that none can reach the limits of orders under way
// and of declined payments.
const customers = 40

func customer(n int) string { return fmt.Sprintf("chaos%d", n%customers) }

// atOnce is the number of orders placed concurrently.
const atOnce = 8

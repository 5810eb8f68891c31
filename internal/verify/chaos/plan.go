package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"

	"orderflow/internal/ops/client"
)

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

type plannedOrder struct {
	n        int
	at       time.Duration // since the start
	customer string
	request  client.OrderRequest
	// cancel is the delay until the customer cancels it; 0: never.
	cancel time.Duration
}

func (p plannedOrder) key() string { return fmt.Sprintf("chaos-%d", p.n) }

// weighted is a choice with its weight.
type weighted struct {
	value  string
	weight int
}

var (
	methods = []weighted{
		{"pm_card_visa", 68}, {"sandbox_flaky", 13}, {"pm_card_visa_chargeDeclined", 8},
		{"pm_card_visa_chargeDeclinedInsufficientFunds", 4}, {"sandbox_timeout", 5}, {"sandbox_error", 2},
	}
	postalCodes = []weighted{{"10115", 90}, {"00000", 10}}
)

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

// plan draws the orders, spread over a time.
func plan(r *rand.Rand, orders int, over time.Duration) []plannedOrder {
	all := make([]plannedOrder, orders)
	goods := products(orders)
	for n := range all {
		p := plannedOrder{n: n, at: over * time.Duration(n) / time.Duration(orders), customer: customer(n)}
		postal := pick(r, postalCodes)
		if n < orders/5 && r.IntN(15) == 0 {
			postal = silent
		}
		for _, i := range r.Perm(len(goods))[:1+r.IntN(2)] {
			p.request.Items = append(p.request.Items, client.Item{SKU: goods[i].sku, Quantity: 1 + r.IntN(3)})
		}
		p.request.PaymentMethod = pick(r, methods)
		p.request.ShippingAddress = client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
			PostalCode: postal, Country: "DE"}
		if r.IntN(7) == 0 {
			p.cancel = 1 + time.Duration(r.Int64N(int64(4*time.Second)))
		}
		all[n] = p
	}
	return all
}

// customers is the number of customers: enough that none can reach the limits of orders under way
// and of declined payments.
const customers = 40

func customer(n int) string { return fmt.Sprintf("chaos%d", n%customers) }

// atOnce is the number of orders placed, and read, concurrently.
const atOnce = 8

package chaos

import (
	"fmt"
	"slices"
	"strings"

	"orderflow/internal/ops/client"
)

// violation is one breach of an invariant. order is empty if it concerns no order.
type violation struct{ invariant, order, what string }

// invariant holds when the system is at rest.
type invariant struct {
	name  string
	check func(facts) []violation
}

// perOrder returns an invariant of every order: broken describes the breach, or returns "".
func perOrder(name string, broken func(seen) string) invariant {
	return invariant{name, func(f facts) (all []violation) {
		for _, o := range f.orders {
			if what := broken(o); what != "" {
				all = append(all, violation{name, o.id, what})
			}
		}
		return all
	}}
}

var invariants = []invariant{
	perOrder("every order is in a final state", func(o seen) string {
		return unless(o.order.Final(), "it is %s", o.order.Status)
	}),
	{"a request with its key made one order", oneOrderEach},
	{"no execution is running", func(f facts) (all []violation) {
		for _, name := range f.running {
			order, _, _ := strings.Cut(name, "-")
			all = append(all, violation{"no execution is running", order, name + " is"})
		}
		return all
	}},
	perOrder("an order whose cancellation was accepted is CANCELLED", func(o seen) string {
		return unless(!o.cancelled || o.order.Status == client.Cancelled, "it is %s", o.order.Status)
	}),
	{"on hand + shipped = stocked, nothing is reserved, and what was confirmed was shipped", stockAddsUp},
	perOrder("stock is COMMITTED if and only if the order is CONFIRMED, and RELEASED or never held otherwise",
		func(o seen) string {
			good := map[bool][]string{true: {"COMMITTED"}, false: {"", "RELEASED"}}[confirmed(o)]
			return unless(slices.Contains(good, o.reservations), "%s, and the stock is %q", o.order.Status,
				o.reservations)
		}),
	perOrder("the provider has at most one live charge, captured in full if and only if the order is CONFIRMED",
		charged),
	{"the provider has no live charge without an order", strangersMoney},
	perOrder("the payment's status matches the provider's", func(o seen) string {
		good := map[bool][]string{true: {"CAPTURED"}, false: {"", "VOIDED", "REFUNDED", "DECLINED"}}[confirmed(o)]
		return unless(slices.Contains(good, o.payment), "%s, and the payment is %q", o.order.Status, o.payment)
	}),
	perOrder("a shipment is BOOKED, by us and by the carrier, if and only if the order is CONFIRMED", carried),
	{"outboxes are empty", func(f facts) (all []violation) {
		for table, n := range f.outboxes {
			all = append(all, violation{"outboxes are empty", "", fmt.Sprintf("%s has %d events", table, n)})
		}
		return all
	}},
	perOrder("the customer was told the final state, and no other", told),
	{"a mail comes twice only where a notifier was killed", twice},
	{"no message is in a dead-letter queue, unless its function was killed on every delivery", givenUp},
}

func confirmed(o seen) bool { return o.order.Status == client.Confirmed }

func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func oneOrderEach(f facts) (all []violation) {
	const name = "a request with its key made one order"
	ids := map[string]bool{}
	for _, o := range f.orders {
		if ids[o.id] {
			all = append(all, violation{name, o.id, "two requests made it"})
		}
		ids[o.id] = true
		if !f.listed[o.id] {
			all = append(all, violation{name, o.id, "its customer's list does not show it"})
		}
	}
	for id := range f.listed {
		if !ids[id] {
			all = append(all, violation{name, id, "nobody was told of it"})
		}
	}
	return all
}

func stockAddsUp(f facts) (all []violation) {
	const name = "on hand + shipped = stocked, nothing is reserved, and what was confirmed was shipped"
	shipped := map[string]int{}
	for _, o := range f.orders {
		for _, l := range o.order.Items {
			if confirmed(o) {
				shipped[l.SKU] += l.Quantity
			}
		}
	}
	for _, p := range products(len(f.orders)) {
		want := client.Stock{SKU: p.sku, OnHand: p.stocked - shipped[p.sku], Shipped: shipped[p.sku],
			Available: p.stocked - shipped[p.sku]}
		if got := f.stock[p.sku]; got != want {
			all = append(all, violation{name, "", fmt.Sprintf("%+v, not %+v", got, want)})
		}
	}
	return all
}

func charged(o seen) string {
	live, captured := 0, 0
	for _, c := range o.charges {
		if c.Status == "VOIDED" || c.Status == "REFUNDED" {
			continue
		}
		live++
		if c.Captured && c.Amount == o.order.Total {
			captured++
		}
	}
	want := 0
	if confirmed(o) {
		want = 1
	}
	return unless(live == want && captured == want, "%s over %s, and the ledger is %+v", o.order.Status, o.order.Total,
		o.charges)
}

func strangersMoney(f facts) (all []violation) {
	ids := map[string]bool{}
	for _, o := range f.orders {
		ids[o.id] = true
	}
	for _, c := range f.ledger {
		if !ids[c.Reference] && (c.Status == "AUTHORIZED" || c.Captured) {
			all = append(all,
				violation{"the provider has no live charge without an order", c.Reference, fmt.Sprintf("%+v", c)})
		}
	}
	return all
}

func carried(o seen) string {
	booked := 0
	for _, p := range o.parcels {
		if p.Status == "BOOKED" {
			booked++
		}
	}
	want := 0
	if confirmed(o) {
		want = 1
	}
	return unless((o.shipment == "BOOKED") == confirmed(o) && booked == want,
		"%s, the shipment is %q, and the carrier has %+v", o.order.Status, o.shipment, o.parcels)
}

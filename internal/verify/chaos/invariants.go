package chaos

import (
	"fmt"
	"slices"
	"strings"

	"orderflow/internal/ops/client"
)

// violation is one breach of an invariant. order is empty if it concerns no order.
type violation struct{ invariant, order, what string }

// violated reports a breach; order may be empty.
type violated func(order, format string, args ...any)

// invariants hold when the system is at rest.
var invariants = []struct {
	name  string
	check func(facts, violated)
}{
	{"every order is in a final state", perOrder(func(o orderFacts) bool { return o.now.Final() })},
	{"a request with its key made one order", func(f facts, violated violated) {
		ids := map[string]bool{}
		for _, o := range f.orders {
			if ids[o.id] {
				violated(o.id, "two requests made it")
			}
			ids[o.id] = true
			if _, listed := f.listed[o.id]; !listed {
				violated(o.id, "its customer's list does not show it")
			}
		}
		for id := range f.listed {
			if !ids[id] {
				violated(id, "no request got it as response")
			}
		}
	}},
	{"no execution is running", func(f facts, violated violated) {
		for _, name := range f.running {
			order, _, _ := strings.Cut(name, "-")
			violated(order, "%s is", name)
		}
	}},
	{"an order whose cancellation was accepted is CANCELLED", perOrder(func(o orderFacts) bool {
		return !o.cancelled || o.now.Status == client.Cancelled
	})},
	{"on hand + shipped = stocked, nothing is reserved, and what was confirmed was shipped", stockAddsUp},
	{"the warehouse counts what the shop has on hand", func(f facts, violated violated) {
		for sku, counted := range f.shelves {
			if onHand := f.stock[sku].OnHand; onHand != counted {
				violated("", "%d of %s, and the shop has %d", counted, sku, onHand)
			}
		}
	}},
	{"stock is COMMITTED if and only if the order is CONFIRMED, and RELEASED or never held otherwise",
		perOrder(func(o orderFacts) bool { return o.ends(o.reservations, "COMMITTED", "", "RELEASED") })},
	{"the provider has at most one live charge, captured in full if and only if the order is CONFIRMED",
		perOrder(func(o orderFacts) bool {
			live, captured := 0, 0
			for _, c := range o.charges {
				if c.Live() {
					live++
					if c.Captured && c.Amount == o.now.Total {
						captured++
					}
				}
			}
			return live == o.confirmed() && captured == o.confirmed()
		})},
	{"the provider has no live charge without an order", func(f facts, violated violated) {
		ids := map[string]bool{}
		for _, o := range f.orders {
			ids[o.id] = true
		}
		for _, c := range f.ledger {
			if !ids[c.Reference] && (c.Status == "AUTHORIZED" || c.Captured) {
				violated(c.Reference, "%+v", c)
			}
		}
	}},
	{"reports have every confirmed order once, and the money of the provider's ledger", salesAddUp},
	{"the payment's status matches the provider's", perOrder(func(o orderFacts) bool {
		return o.ends(o.payment, "CAPTURED", "", "VOIDED", "REFUNDED", "DECLINED")
	})},
	{"a shipment is BOOKED, by us and by the carrier, if and only if the order is CONFIRMED",
		perOrder(func(o orderFacts) bool {
			booked := 0
			for _, p := range o.parcels {
				if p.Status == "BOOKED" {
					booked++
				}
			}
			return booked == o.confirmed() && (o.shipment == "BOOKED") == (o.confirmed() == 1)
		})},
	{"outboxes are empty", func(f facts, violated violated) {
		for table, n := range f.outboxes {
			violated("", "%s has %d events", table, n)
		}
	}},
	{"the customer was told the final state, and no other", perOrder(func(o orderFacts) bool {
		mails := counts(o.mails)
		for status, subject := range finalMails {
			if (mails[subject] > 0) != (status == o.now.Status) {
				return false
			}
		}
		return true
	})},
	// As package notifications says, only a process that dies after the mail service accepted a
	// mail, and before that is recorded, causes a duplicate.
	{"a mail comes twice only where a notifier was killed", func(f facts, violated violated) {
		killed := f.kills["notify-customer"] + f.kills[wholeProcess]
		if twice := f.mailsTwice(); twice > killed {
			violated("", "%d mails came twice, and %d processes were killed", twice, killed)
		}
	}},
	{"no message is in a dead-letter queue, unless its function was killed on every delivery",
		func(f facts, violated violated) {
			for _, m := range f.deadLetters {
				if f.kills[m.function] < deliveries {
					violated("", "%s failed on %s", m.function, m.body)
				}
			}
		}},
}

// finalMails are the subjects of mails about a final state.
var finalMails = map[string]string{
	client.Confirmed:      "Your order is confirmed",
	client.Rejected:       "We could not fulfil your order",
	client.Cancelled:      "Your order is cancelled",
	client.NeedsAttention: "We are looking into your order",
}

// deliveries is how often a message is delivered before it goes to the dead-letter queue.
const deliveries = 5

// perOrder checks every order.
func perOrder(holds func(orderFacts) bool) func(facts, violated) {
	return func(f facts, violated violated) {
		for _, o := range f.orders {
			if !holds(o) {
				violated(o.id, "it is %s over %s, payment %q, stock %q, shipment %q, ledger %+v, carrier %+v, mails %q",
					o.now.Status, o.now.Total, o.payment, o.reservations, o.shipment, o.charges, o.parcels, o.mails)
			}
		}
	}
}

// confirmed returns 1 if the order is CONFIRMED, else 0.
func (o orderFacts) confirmed() int {
	if o.now.Status == client.Confirmed {
		return 1
	}
	return 0
}

// ends reports whether a part of the order has the status that belongs to a confirmed order, or
// else one of the others.
func (o orderFacts) ends(status, confirmed string, others ...string) bool {
	if o.confirmed() == 1 {
		return status == confirmed
	}
	return slices.Contains(others, status)
}

func stockAddsUp(f facts, violated violated) {
	shipped := map[string]int{}
	for _, o := range f.orders {
		for _, l := range o.now.Items {
			shipped[l.SKU] += l.Quantity * o.confirmed()
		}
	}
	for _, p := range products(len(f.orders)) {
		left := p.stocked - shipped[p.sku]
		want := client.Stock{SKU: p.sku, OnHand: left, Shipped: shipped[p.sku], Available: left}
		if got := f.stock[p.sku]; got != want {
			violated("", "%+v, not %+v", got, want)
		}
	}
}

// salesAddUp compares the sales with the orders and with the provider's ledger.
func salesAddUp(f facts, violated violated) {
	if f.sales == nil {
		return
	}
	var want, captured sales
	for _, o := range f.orders {
		if o.confirmed() == 1 {
			want.orders++
			want.revenue += o.now.Total.Amount
		}
		for _, c := range o.charges {
			if c.Captured && c.Status != "REFUNDED" {
				captured.orders++
				captured.revenue += c.Amount.Amount
			}
		}
	}
	if *f.sales != want || want != captured {
		violated("", "reports have %+v, orders %+v, and the ledger %+v", *f.sales, want, captured)
	}
}

// mailsTwice counts the duplicate mails.
func (f facts) mailsTwice() (n int) {
	for _, o := range f.orders {
		n += len(o.mails) - len(counts(o.mails))
	}
	return n
}

func counts(texts []string) map[string]int {
	counts := map[string]int{}
	for _, t := range texts {
		counts[t]++
	}
	return counts
}

func (f facts) violations() (all []violation) {
	for _, i := range invariants {
		i.check(f, func(order, format string, args ...any) {
			all = append(all, violation{i.name, order, fmt.Sprintf(format, args...)})
		})
	}
	return all
}

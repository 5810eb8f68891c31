package sim

import (
	"context"
	"net/http"

	"orderflow/internal/fulfilment"
	"orderflow/internal/orders"
	"orderflow/internal/verify/asl"
)

// invariants hold whenever the world is at rest. Others are checked while it runs: no barrier
// contradicts another (history.go), mails are sent once and do not contradict each other
// (mailer.go), money is captured only after the carrier has booked (thirdparties.go), a throttled
// call is retried (engine.go), the world comes to rest (world.go).
var invariants = []struct {
	name  string
	check func(w *World, broken func(order, format string, args ...any))
}{
	{"every order is final", ordersFinal},
	{"the customer gets what was promised", customersServed},
	{"stock is conserved", stockConserved},
	{"the provider holds exactly what is owed", ledgerRight},
	{"the carrier ships exactly what is confirmed", shipmentsRight},
	{"our records agree with the third parties'", booksAgree},
	{"every event reached every consumer", eventsArrived},
	{limitsKept, tallyRight},
	{"the price book is catalog's", pricesProjected},
	{"the customer is told the outcome", customersTold},
	{"no version loses what another wrote", versionsKept},
	{"a saga gets everything its order's event has", sagasGivenAll},
	{"every order has a saga that ends", executionsOver},
}

// check checks every invariant.
func (w *World) check() {
	for _, i := range invariants {
		i.check(w, func(order, format string, args ...any) { w.violate(i.name, order, format, args...) })
	}
}

// order reads the current state of an order.
func (w *World) order(id string) orders.Order {
	// a missing order has the zero status, which no invariant accepts
	o, _ := w.stores.orders.Order(context.Background(), id)
	return o
}

func ordersFinal(w *World, broken func(string, string, ...any)) {
	for _, id := range w.history.orders() {
		o := w.order(id)
		w.reach("order " + string(o.Status) + " " + string(o.Reason))
		if !o.Status.Final() {
			broken(id, "its final status is %q", o.Status)
		}
	}
}

// customersServed: one order for each accepted request, none for others, cancelled if that was
// promised. A customer who gave up at a limit may have an order of an earlier try whose answer was
// lost.
func customersServed(w *World, broken func(string, string, ...any)) {
	told := map[string]bool{}
	for _, p := range w.shop.placed {
		if p.id != "" && told[p.id] {
			broken(p.id, "two requests were answered with it")
		}
		told[p.id] = true
	}
	unheard := map[string]int{}
	for _, id := range w.history.orders() {
		if !told[id] {
			unheard[w.order(id).CustomerID]++
		}
	}
	for _, p := range w.shop.placed {
		if p.id == "" {
			switch {
			case p.refused == 0:
				broken("", "%s never got an answer", p.customer)
			case p.refused >= http.StatusInternalServerError:
				broken("", "%s was refused with %d", p.customer, p.refused)
			case p.refused == http.StatusTooManyRequests:
				unheard[p.customer]--
			}
			continue
		}
		switch o := w.order(p.id); {
		case o.CustomerID != p.customer:
			broken(p.id, "it was accepted for %s, but is the order of %q", p.customer, o.CustomerID)
		case p.good && o.Status != orders.StatusConfirmed:
			broken(p.id, "it should be confirmed, but is %s: %s", o.Status, o.Detail)
		case o.Status == orders.StatusCancelled && !p.asked:
			broken(p.id, "it is cancelled, but %s never asked for that", p.customer)
		case p.cancelled && o.Status != orders.StatusCancelled:
			broken(p.id, "the cancellation was accepted, but it is %s", o.Status)
		case o.Status == orders.StatusCancelled && o.Reason != p.by:
			broken(p.id, "it is cancelled with reason %s, want %s", o.Reason, p.by)
		}
	}
	for _, customer := range sortedKeys(unheard) {
		if unheard[customer] > 0 {
			broken("", "%s has %d orders that were never acknowledged", customer, unheard[customer])
		}
	}
}

func executionsOver(w *World, broken func(string, string, ...any)) {
	started := map[string]bool{}
	for _, x := range w.engine.all {
		started[x.order] = true
		switch done, over := x.run.Next().(asl.Done); {
		case !over:
			broken(x.order, "%s still runs, in %s", x, x.run.State())
		case x.machine == fulfilment.FulfilOrder && done.Status == asl.Failed && done.LastState != "StartCompensation":
			broken(x.order, "%s failed in %s with %s, which it should have caught", x, done.LastState, done.Error)
		}
	}
	for _, id := range w.history.orders() {
		if !started[id] {
			broken(id, "no saga was started")
		}
	}
}

// eventsArrived: every event of an outbox was handled by all its subscribers and left the outbox.
func eventsArrived(w *World, broken func(string, string, ...any)) {
	for _, e := range w.history.events {
		for _, name := range w.consumers {
			if q := w.queues[name]; q.wants(e.service, e.Type) && q.handled[e.ID] == 0 {
				broken(e.Subject, "%s never handled %s", name, e.Type)
			}
		}
	}
	logs := w.logs()
	for _, service := range sortedKeys(logs) {
		waiting, err := logs[service].Outbox(context.Background())
		if err != nil || len(waiting) > 0 {
			broken("", "%d events are left in the outbox of %s (%v)", len(waiting), service, err)
		}
	}
	for _, name := range w.consumers {
		if n := len(w.queues[name].dead); n > 0 {
			broken("", "%d messages are in the dead-letter queue of %s", n, name)
		}
	}
}

func pricesProjected(w *World, broken func(string, string, ...any)) {
	ctx := context.Background()
	for _, sku := range w.shop.skus {
		product, err := w.stores.catalog.Product(ctx, sku)
		if err != nil {
			broken("", "%s: %v", sku, err)
		}
		known, err := w.stores.orders.Price(ctx, sku)
		if err != nil || known.Price != product.Price || known.Version != product.Version {
			broken("", "%s costs %v (version %d), but the price book has %v (version %d)",
				sku, product.Price, product.Version, known.Price, known.Version)
		}
	}
}

// endings are the subjects of the mails about an order's final status.
var endings = map[orders.Status]string{
	orders.StatusConfirmed: "Your order is confirmed",
	orders.StatusRejected:  "We could not fulfil your order",
	orders.StatusCancelled: "Your order is cancelled",
}

// customersTold: each customer gets a mail about the order's final status and about no other. The
// mailer checks that nobody gets it twice.
func customersTold(w *World, broken func(string, string, ...any)) {
	for _, id := range w.history.orders() {
		status, told := w.order(id).Status, false
		for _, m := range w.history.mails[id] {
			for end, subject := range endings {
				if m.subject != subject {
					continue
				}
				told = true
				if end != status {
					broken(id, "the customer was told %s, but it is %s", end, status)
				}
			}
		}
		if !told && !w.history.bounced[id] {
			broken(id, "the customer was never told that it is %s", status)
		}
	}
}

// tallyRight: no final order counts against a limit; at rest all orders are final.
func tallyRight(w *World, broken func(string, string, ...any)) {
	for _, customer := range sortedKeys(w.history.accounts) {
		t, err := w.stores.orders.Tally(context.Background(), customer)
		for _, id := range t.Open {
			if o := w.order(id); err != nil || o.Status.Final() {
				broken(id, "%s is %s but still counts as open for %s, %v", id, o.Status, customer, err)
			}
		}
	}
}

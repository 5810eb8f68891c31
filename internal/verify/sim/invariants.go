package sim

import (
	"context"
	"net/http"

	"orderflow/internal/fulfilment"
	"orderflow/internal/orders"
	"orderflow/internal/verify/asl"
)

// Invariants hold whenever the world is at rest. Besides these, some promises are watched while it runs: no barrier
// contradicts another (history.go), the customer is told once and nothing that contradicts (mailer.go), money is
// captured only after the carrier has booked (thirdparties.go), what was not tried is tried again (execution.go),
// the world comes to rest (run.go).
var invariants = []struct {
	name  string
	check func(w *World, broken func(order, format string, args ...any))
}{
	{"every order is final", ordersFinal},
	{"the customer gets what was promised", customersServed},
	{"stock is conserved", stockConserved},
	{"the provider holds what is owed and no more", ledgerRight},
	{"the carrier ships what is confirmed and no more", shipmentsRight},
	{"our books agree with the third parties'", booksAgree},
	{"every event reached every consumer", eventsArrived},
	{limitsKept, tallyRight},
	{"the price book is catalog's", pricesProjected},
	{"the customer is told once", customersTold},
	{"no version loses what another one wrote", versionsKept},
	{"a saga is given all that was told of its order", sagasGivenAll},
	{"every order has a saga, and it ends as planned", executionsOver},
}

// check holds every invariant against the world.
func (w *World) check() {
	for _, i := range invariants {
		i.check(w, func(order, format string, args ...any) { w.violate(i.name, order, format, args...) })
	}
}

// order reads an order as it is in the end.
func (w *World) order(id string) orders.Order {
	o, _ := w.stores.orders.Order(context.Background(), id) // it was created; a missing one is no status at all
	return o
}

func ordersFinal(w *World, broken func(string, string, ...any)) {
	for _, id := range w.history.orders() {
		o := w.order(id)
		w.reach("order " + string(o.Status) + " " + string(o.Reason))
		if !o.Status.Final() {
			broken(id, "it is %q", o.Status)
		}
	}
}

// customersServed: one order for each request that was accepted, none for others, and cancelled if that was promised. A customer
// who gave up at a limit may have an order of an earlier try, of which they never heard.
func customersServed(w *World, broken func(string, string, ...any)) {
	told := map[string]bool{}
	for _, p := range w.shop.placed {
		if p.id != "" && told[p.id] {
			broken(p.id, "two requests were answered with it")
		}
		told[p.id] = true
	}
	untold := map[string]int{}
	for _, id := range w.history.orders() {
		if !told[id] {
			untold[w.order(id).CustomerID]++
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
				untold[p.customer]--
			}
			continue
		}
		switch o := w.order(p.id); {
		case o.CustomerID != p.customer:
			broken(p.id, "%s was told that it is accepted, but it is the order of %q", p.customer, o.CustomerID)
		case p.good && o.Status != orders.StatusConfirmed:
			broken(p.id, "nothing stood against it, but it is %s: %s", o.Status, o.Detail)
		case o.Status == orders.StatusCancelled && !p.asked:
			broken(p.id, "it is cancelled, and %s never asked for that", p.customer)
		case p.cancelled && o.Status != orders.StatusCancelled:
			broken(p.id, "the cancellation was accepted, but it is %s", o.Status)
		case o.Status == orders.StatusCancelled && o.Reason != p.by:
			broken(p.id, "it is cancelled as %s, but it is %s", o.Reason, p.by)
		}
	}
	for _, customer := range sortedKeys(untold) {
		if untold[customer] > 0 {
			broken("", "%s has %d orders that they were not told of", customer, untold[customer])
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
			broken(x.order, "%s failed in %s by %s, which it should have caught", x, done.LastState, done.Error)
		}
	}
	for _, id := range w.history.orders() {
		if !started[id] {
			broken(id, "it never had a saga")
		}
	}
}

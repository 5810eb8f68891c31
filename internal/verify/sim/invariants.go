package sim

import (
	"context"
	"errors"
	"net/http"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/inventory"
	"orderflow/internal/orders"
	"orderflow/internal/payments"
	"orderflow/internal/platform/asl"
	"orderflow/internal/shipping"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/provider"
)

// invariants hold whenever the world is at rest: for each order, or for all together. Others are
// checked while it runs: no barrier contradicts another, mails are sent once and do not contradict
// each other (history.go), money is captured only after the carrier has booked (thirdparties.go), a
// refused call is retried, a child reports its step's error (engine.go), whatever a process has
// promised or begun is written, by the holder of the lease (process.go), and the world comes to
// rest (world.go).
var invariants = []struct {
	name  string
	order func(w *World, o outcome, broken func(format string, args ...any))
	whole func(w *World, broken func(order, format string, args ...any))
}{
	{name: "every order is final", order: orderFinal},
	{name: "every change of an order is recorded", order: changesRecorded},
	{name: "an order that is out of stock says of what", order: shortagesTold},
	{name: "a confirmed order tells when it reached each step", order: progressTold},
	{name: "an order that has ended asks nothing of its customer", order: nothingAsked},
	{name: "the customer gets what was promised", whole: customersServed},
	{name: "stock is conserved", whole: stockConserved},
	{name: "customers are told what is in stock", whole: availabilityTold},
	{name: "the provider holds exactly what is owed", order: ledgerRight},
	{name: "the carrier ships exactly what is confirmed", order: shipmentRight},
	{name: "our records agree with the third parties'", order: booksAgree},
	{name: "every event reached every consumer", whole: eventsArrived},
	{name: limitsKept, whole: tallyRight},
	{name: "no order is placed while the intake is stopped", order: placedWhenTaken},
	{name: "the price book is catalog's", whole: pricesProjected},
	{name: "the customer is told the outcome", order: customerTold},
	{name: "no version loses what another wrote", whole: versionsKept},
	{name: "a saga gets everything its order's event has", whole: sagasGivenAll},
	{name: "every order has a saga that ends", whole: executionsOver},
}

type outcome struct {
	orders.Order
	id        string
	confirmed bool
	charges   []provider.Charge
}

func (w *World) check() {
	if w.brokers != nil {
		for _, i := range brokerInvariants {
			i.whole(w.brokers, w, func(order, format string, args ...any) { w.violate(i.name, order, format, args...) })
		}
	}
	for _, i := range invariants {
		if i.whole != nil {
			i.whole(w, func(order, format string, args ...any) { w.violate(i.name, order, format, args...) })
			continue
		}
		for _, id := range w.history.orders() {
			o := w.order(id)
			i.order(w, outcome{o, id, o.Status == orders.StatusConfirmed, w.charges(id)},
				func(format string, args ...any) { w.violate(i.name, id, format, args...) })
		}
	}
}

// order reads the current state of an order.
func (w *World) order(id string) orders.Order {
	// a missing order has the zero status, which no invariant accepts
	o, _ := w.stores.orders.Order(context.Background(), id)
	return o
}

func orderFinal(w *World, o outcome, broken func(string, ...any)) {
	w.reach("order " + string(o.Status) + " " + string(o.Reason))
	if party := o.WaitedFor(); party != "" {
		w.reach("an order waited in vain for " + string(party))
	}
	if !o.Status.Final() {
		broken("its final status is %q", o.Status)
	}
}

// changesRecorded: the changes of an order have all its versions, in order.
func changesRecorded(_ *World, o outcome, broken func(string, ...any)) {
	var last orders.Change
	for i, c := range o.Changes {
		if c.Version != int64(i+1) || c.At.Before(last.At) || c.Status != last.Status && last.Status.Final() && i > 0 {
			broken("change %d is %v, after %v", i+1, c, last)
		}
		last = c
	}
	if want := (orders.Change{Version: o.Version, Status: o.Status, Reason: o.Reason, At: o.UpdatedAt}); last != want {
		broken("the last change is %v, want %v", last, want)
	}
}

// shortagesTold: an order says which lines were short if and only if that is why it was rejected.
func shortagesTold(_ *World, o outcome, broken func(string, ...any)) {
	if (o.Reason == orders.ReasonOutOfStock) != (len(o.Shortages) > 0) {
		broken("it ended as %s with the shortages %v", o.Reason, o.Shortages)
	}
}

// progressTold: a confirmed order says when it reached each step, in sequence; any other order has
// no steps.
func progressTold(_ *World, o outcome, broken func(string, ...any)) {
	want := 0
	if o.confirmed {
		want = 4
	}
	if len(o.Milestones) != want {
		broken("%d steps are told, want %d", len(o.Milestones), want)
	}
	last := o.CreatedAt.Truncate(time.Millisecond)
	for _, m := range o.Milestones {
		if m.At.Before(last) || m.At.After(o.UpdatedAt) {
			broken("%s was reached at %s, after %s", m.Step, m.At, last)
		}
		last = m.At
	}
}

func nothingAsked(_ *World, o outcome, broken func(string, ...any)) {
	if o.NextAction != nil {
		broken("it is %s and still shows %s", o.Status, o.NextAction.URL)
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
		o := w.order(p.id)
		switch {
		case p.id == "" && p.refused == 0:
			broken("", "%s never got an answer", p.customer)
		case p.id == "" && p.refused >= http.StatusInternalServerError:
			broken("", "%s was refused with %d", p.customer, p.refused)
		case p.id == "" && p.refused == http.StatusTooManyRequests:
			unheard[p.customer]--
		case p.id == "":
		case o.CustomerID != p.customer:
			broken(p.id, "it was accepted for %s, but is the order of %q", p.customer, o.CustomerID)
		case p.good && o.Status != orders.StatusConfirmed:
			broken(p.id, "it should be confirmed, but is %s: %s", o.Status, o.Detail)
		case o.Status == orders.StatusCancelled && p.by == "":
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

// stockConserved: stock is neither gained nor lost, none stays reserved, and confirmed orders are
// shipped.
func stockConserved(w *World, broken func(string, string, ...any)) {
	shipped := map[string]int{}
	for _, id := range w.history.orders() {
		if o := w.order(id); o.Status == orders.StatusConfirmed {
			for _, item := range o.Items {
				shipped[item.SKU] += item.Quantity
			}
		}
	}
	for _, sku := range w.shop.everything() {
		shards, err := w.stores.inventory.Shards(context.Background(), sku)
		s := inventory.Whole(shards)
		if total := s.Available + s.Reserved + s.Shipped; total != w.shop.stock[sku] {
			broken("", "%s: %d available, %d reserved, %d shipped, but %d were stocked (%v)",
				sku, s.Available, s.Reserved, s.Shipped, w.shop.stock[sku], err)
		}
		if s.Reserved != 0 || s.Shipped != shipped[sku] {
			broken("", "%s: %d reserved and %d shipped, but %d were sold", sku, s.Reserved, s.Shipped, shipped[sku])
		}
	}
}

// availabilityTold: at rest, the public availability of a product agrees with its exact stock.
// While orders run it may lag.
func availabilityTold(w *World, broken func(string, string, ...any)) {
	ctx := context.Background()
	for _, sku := range w.shop.everything() {
		shards, _ := w.stores.inventory.Shards(ctx, sku)
		available, want := inventory.Whole(shards).Available, inventory.InStock
		switch {
		case available == 0:
			want = inventory.OutOfStock
		case available < 10:
			want = inventory.Low
		}
		told, err := inventory.New(w.stock, w, w.ids).ListAvailability(ctx, []string{sku})
		if err != nil || len(told) != 1 || told[0].SKU != sku || told[0].Status != want {
			broken("", "%s: %d are available, but customers see %v (%v)", sku, available, told, err)
		}
		w.reach("a product is " + string(want))
	}
}

// ledgerRight checks the provider's ledger, not ours.
func ledgerRight(w *World, o outcome, broken func(string, ...any)) {
	if o.Total.Amount == 0 {
		w.reach("a free order " + string(o.Status))
		if len(o.charges) > 0 {
			broken("it is free, but the provider has %d charges", len(o.charges))
		}
		return
	}
	live, given := 0, w.parties.refunded[o.id]
	owed := o.confirmed && given < o.Total.Amount // else all of it was refunded by hand
	for _, c := range o.charges {
		held := c.Status == provider.StatusAuthorized || c.Status == provider.StatusCaptured
		if held {
			live++
		}
		if c.Captured && c.Amount != o.Total {
			broken("%v was captured of %v", c.Amount, o.Total)
		}
		if c.Captured != owed || held && !c.Captured {
			broken("the charge is %s, the order %s, %d refunded by hand", c.Status, o.Status, given)
		}
		back := c.RefundedAmount.Amount
		if c.Captured && back != given || c.Status == provider.StatusRefunded && back != c.Amount.Amount {
			broken("the charge is %s, %d of %v refunded, %d by hand", c.Status, back, c.Amount, given)
		}
	}
	if live > 1 || live == 0 && owed {
		broken("%d live charges, but the order is %s", live, o.Status)
	}
}

// shipmentRight checks the carrier's records, not ours.
func shipmentRight(w *World, o outcome, broken func(string, ...any)) {
	coming := false
	for _, s := range must(w.parties.carrier.Shipments(context.Background(), o.id)) {
		switch s.Status {
		case carrier.StatusBooked:
			coming = true
			if o.TrackingNumber != s.TrackingNumber {
				broken("the order has the tracking number %q, the carrier's is %q", o.TrackingNumber, s.TrackingNumber)
			}
		case carrier.StatusRequested:
			broken("the shipment is still undecided")
		}
	}
	if o.confirmed != coming {
		broken("confirmed: %t, but the carrier ships: %t", o.confirmed, coming)
	}
}

// booksAgree: our services' records match the order's outcome.
func booksAgree(w *World, o outcome, broken func(string, ...any)) {
	ctx := context.Background()
	p, err := w.stores.payments.Get(ctx, o.id)
	switch {
	case err != nil && !errors.Is(err, payments.ErrNoPayment):
		broken("%v", err)
	case o.Total.Amount == 0:
		if (p.Status == payments.StatusCaptured) != o.confirmed || p.Status == payments.StatusAuthorized {
			broken("it is free, confirmed: %t, but the payment is %q", o.confirmed, p.Status)
		}
	case len(o.charges) == 1 && string(o.charges[0].Status) != string(p.Status):
		broken("the payment is %q, the provider's charge %s", p.Status, o.charges[0].Status)
	case len(o.charges) == 1 && p.RefundedAmount().Amount != o.charges[0].RefundedAmount.Amount:
		broken("we record %v as refunded, the provider %v", p.RefundedAmount(), o.charges[0].RefundedAmount)
	case len(o.charges) == 0 && p.Status == payments.StatusVoided && p.ChargeID == "": // the customer was asked
	case len(o.charges) == 0 && p.Status != "" && p.Status != payments.StatusDeclined:
		broken("the payment is %s, but the provider has no charge", p.Status)
	}
	r, err := w.stores.inventory.Reservation(ctx, o.id)
	if (err == nil && r.Status == inventory.StatusCommitted) != o.confirmed || r.Status == inventory.StatusReserved {
		broken("confirmed: %t, but the reservation is %q", o.confirmed, r.Status)
	}
	sh, err := w.stores.shipping.Get(ctx, o.id)
	if (err == nil && sh.Status == shipping.StatusBooked) != o.confirmed || sh.Status == shipping.StatusRequested {
		broken("confirmed: %t, but the shipment is %q", o.confirmed, sh.Status)
	}
}

// eventsArrived: every event of an outbox was handled by all its subscribers, and none waits.
func eventsArrived(w *World, broken func(string, string, ...any)) {
	for _, e := range w.history.events {
		for _, name := range w.consumers {
			if q := w.queues[name]; q.Wants(e.service, e.Type) && q.handled[e.ID] == 0 {
				broken(e.Subject, "%s never handled %s", name, e.Type)
			}
		}
	}
	for _, service := range sortedKeys(w.logs) {
		waiting, err := w.logs[service].Waiting(context.Background())
		if err != nil || len(waiting) > 0 {
			broken("", "%s has %d events left as items (%v)", service, len(waiting), err)
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
		product, err1 := w.stores.catalog.Get(ctx, sku)
		known, err2 := w.stores.orders.Price(ctx, sku)
		if err1 != nil || err2 != nil || known.Price != product.Price || known.Version != product.Version {
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

// customerTold: the customer gets a mail about the order's final status and about no other. The
// mailer checks that no customer gets it twice.
func customerTold(w *World, o outcome, broken func(string, ...any)) {
	told := false
	for _, m := range w.history.mails[o.id] {
		for end, subject := range endings {
			told = told || m.subject == subject
			if m.subject == subject && end != o.Status {
				broken("the customer was told %s, but it is %s", end, o.Status)
			}
		}
	}
	if !told && !w.history.bounced[o.id] {
		broken("the customer was never told that it is %s", o.Status)
	}
}

func executionsOver(w *World, broken func(string, string, ...any)) {
	started := map[string]bool{}
	for _, x := range w.engine.runs() {
		started[x.order] = true
		failed := x.machine == fulfilment.FulfilOrder && x.end.Status == asl.Failed
		switch {
		case !x.over:
			broken(x.order, "%s still runs, in %s", x, x.end.LastState)
		case failed && x.end.LastState != "StartCompensation":
			broken(x.order, "%s failed in %s with %s, which it should have caught", x, x.end.LastState, x.end.Error)
		}
	}
	for _, id := range w.history.orders() {
		if !started[id] {
			broken(id, "no saga was started")
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

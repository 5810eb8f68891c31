package sim

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"time"

	"orderflow/internal/orders"
	ordersContract "orderflow/internal/orders/contract"
	"orderflow/internal/reporting"
)

// spoil has somebody else append records to the log that cannot be understood.
func (b *brokers) spoil() {
	bad := []reporting.Message{
		{Value: []byte("not an event")},
		{Headers: map[string]string{
			"ce_specversion": "1.0", "ce_id": "poison", "ce_type": ordersContract.OrderConfirmed, "ce_source": "nobody",
			"ce_subject": "someone", "ce_time": "2026-01-05T09:00:00Z", "ce_aggregateversion": "1",
			"content-type": "application/json",
		}, Value: []byte(`{"orderId":"someone else"}`)},
	}
	m := one(b.w.fate, bad)
	m.Topic, m.Key = ordersTopic, []byte(b.w.ids.New())
	before := b.bounds(ordersTopic)
	must(0, b.append(m))
	for i, p := range b.bounds(ordersTopic) {
		if p.End > before[i].End {
			b.spoiled[place{p.Partition, before[i].End}] = true
		}
	}
}

// place is that of a record in the topic of orders.
type place struct {
	partition int32
	offset    int64
}

const ordersTopic = "orderflow.orders.events"

// planReports plans poison in the log, and rebuilds.
func (b *brokers) planReports() {
	w := b.w
	during := func(do func()) { w.after(w.between(0, w.options.Duration), do) }
	for range 1 + w.options.Orders/25 {
		during(b.spoil)
	}
	if w.IntN(2) == 0 {
		during(func() { b.rebuild(false) })
		if w.IntN(2) == 0 {
			during(b.stopRebuild)
		}
	}
}

// rebuild has an operator begin a rebuild, or go on with one.
func (b *brokers) rebuild(fresh bool) {
	if r, err := b.rebuilds.Start(context.Background(), operator, fresh); err != nil {
		b.w.violate(reportsRight, "", "a rebuild cannot begin: %v", err)
	} else {
		b.w.note("", "an operator rebuilds the reports: %+v", r)
	}
}

// goOn is the operator's part: an unfinished rebuild whose execution is dead is started again, and
// what the log's source gave up on is made good by a rebuild.
func (b *brokers) goOn() {
	g := must(b.reports.Generations(context.Background()))
	unfinished := g.Rebuild != nil && g.Rebuild.State != reporting.Done
	if unfinished || b.discarded > 0 {
		b.w.changes++
		b.rebuild(false)
	}
	if !unfinished {
		b.discarded = 0
	}
}

func (b *brokers) stopRebuild() {
	r, err := b.rebuilds.Stop(context.Background())
	b.w.note("", "an operator stops the rebuild: %+v, %v", r, err)
	if err == nil {
		b.w.reach("a rebuild was stopped")
		b.w.after(b.w.between(time.Second, 10*time.Minute), func() { b.rebuild(b.w.IntN(2) == 0) })
	}
}

// Run is Step Functions with the machine that rebuilds; see reporting.Machine.
func (b *brokers) Run(_ context.Context, generation, run int64) error {
	w := b.w
	w.note("", "execution %d of the rebuild of generation %d begins", run, generation)
	begin := func() { b.step("build-generation", generation, 0) } //nolint:contextcheck // outlives the call
	w.after(w.between(time.Millisecond, 50*time.Millisecond), begin)
	return nil
}

// step invokes a function of the rebuild until it has nothing to do.
func (b *brokers) step(function string, generation int64, failures int) {
	w := b.w
	in := must(json.Marshal(map[string]any{"generation": generation, "traceparent": trace}))
	w.invoke(function, "", in, func(out []byte, err error) {
		again := func(failures int) {
			w.after(w.between(time.Second, 10*time.Second), func() { b.step(function, generation, failures) })
		}
		var answer struct{ Building, Serving, More bool }
		if err == nil {
			err = json.Unmarshal(out, &answer)
		}
		switch {
		case err != nil && failures == 5: // the machine retries for hours; an operator can start it again
			w.reach("an execution of a rebuild failed")
		case err != nil:
			again(failures + 1)
		case answer.Building, answer.More:
			again(0)
		case answer.Serving:
			w.reach("a rebuilt generation serves")
			b.step("remove-generation", generation, 0)
		}
	})
}

const reportsRight = "the reports are the orders and the ledger"

// compareRebuilt checks the reports, rebuilds them, and compares both.
func (b *brokers) compareRebuilt() {
	w, ctx := b.w, context.Background()
	serving := func() (reporting.Generations, reporting.Rows) {
		g := must(b.reports.Generations(ctx))
		return g, b.reports.All(g.Serving)
	}
	before, rows := serving()
	if r := before.Rebuild; r != nil && r.State != reporting.Done {
		w.violate(reportsRight, "", "a rebuild is unfinished: %+v", *r)
	}
	b.reportsRight(rows)
	b.rebuild(true)
	w.rest(w.now.Add(patience))
	after, again := serving()
	if after.Serving <= before.Serving || after.Rebuild.State != reporting.Done || !after.Since.IsZero() {
		w.violate(reportsRight, "", "after a rebuild: %+v, %+v", after, *after.Rebuild)
	}
	if !reflect.DeepEqual(rows, again) {
		w.violate("a rebuild gives the same reports", "", "it has %v, before %v", again, rows)
	}
	b.poisonParked(after.Serving)
	for generation := range after.Serving {
		if left := b.reports.All(generation); len(left) > 0 {
			w.violate("a rebuild gives the same reports", "", "generation %d is left, with %v", generation, left)
		}
	}
}

// poisonParked: exactly what cannot be understood is parked.
func (b *brokers) poisonParked(generation int64) {
	parked := map[place]bool{}
	all := b.reports.AllParked(generation)
	for _, p := range all {
		parked[place{p.Partition, p.Offset}] = p.Topic == ordersTopic
	}
	if len(all) != len(parked) || !maps.Equal(parked, b.spoiled) {
		b.w.violate("what cannot be understood is parked once", "", "parked: %v, want %v", all, b.spoiled)
	}
}

// ended are the events that end an order.
var ended = map[orders.Status]string{
	orders.StatusConfirmed: ordersContract.OrderConfirmed, orders.StatusRejected: ordersContract.OrderRejected,
	orders.StatusCancelled: ordersContract.OrderCancelled,
}

// reportsRight checks rows against the orders and the provider's ledger.
func (b *brokers) reportsRight(rows reporting.Rows) {
	want, at := reporting.Rows{}, b.times()
	for _, id := range b.w.history.orders() {
		o := b.w.order(id)
		placed, day := reporting.Day(at[id][ordersContract.OrderCreated]), reporting.Day(at[id][ended[o.Status]])
		want.Add(reporting.Funnel, placed, "PLACED", reporting.Orders, 1)
		of := string(o.Status)
		if o.Reason != "" {
			of += "#" + string(o.Reason)
		}
		want.Add(reporting.Funnel, day, of, reporting.Orders, 1)
		want.Add(reporting.Latency, day, "", "", 1)
		if o.Status != orders.StatusConfirmed {
			continue
		}
		var paid, refunded int64
		for _, c := range b.w.charges(id) { // of a confirmed order, see ledgerRight
			paid += c.Amount.Amount
			refunded += c.RefundedAmount.Amount
		}
		want.Add(reporting.Sales, day, o.Total.Currency, reporting.Orders, 1)
		want.Add(reporting.Sales, day, o.Total.Currency, reporting.Revenue, paid)
		want.Add(reporting.Sales, "", o.Total.Currency, reporting.Refunds, refunded)
		for _, line := range o.Items {
			want.Add(reporting.Sales, day, o.Total.Currency, reporting.Units, int64(line.Quantity))
			of := line.UnitPrice.Currency + "#" + line.SKU
			want.Add(reporting.Products, day, of, reporting.Units, int64(line.Quantity))
			want.Add(reporting.Products, day, of, reporting.Revenue, int64(line.Quantity)*line.UnitPrice.Amount)
		}
	}
	got := reporting.Rows{}
	for id, amounts := range rows {
		for name, amount := range amounts {
			day := id.Day
			switch { // the day of a refund is when we learned of it; the times are in the sketch's bins
			case id.Report == reporting.Latency:
				name = ""
			case name == reporting.Refunds:
				day = ""
			}
			got.Add(id.Report, day, id.Of, name, amount)
		}
	}
	if !reflect.DeepEqual(got, want) {
		b.w.violate(reportsRight, "", "they have %v, want %v", got, want)
	}
}

// times are when orders' first events of a type happened, by order and type.
func (b *brokers) times() map[string]map[string]time.Time {
	at := map[string]map[string]time.Time{}
	for _, e := range b.w.history.events {
		if at[e.Subject] == nil {
			at[e.Subject] = map[string]time.Time{}
		}
		if _, again := at[e.Subject][e.Type]; !again {
			at[e.Subject][e.Type] = e.Time
		}
	}
	return at
}

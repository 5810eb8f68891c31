package sim

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"time"

	"orderflow/internal/orders"
	ordersContract "orderflow/internal/orders/contract"
	"orderflow/internal/platform/asl"
	"orderflow/internal/reporting"
	reportingMemory "orderflow/internal/reporting/memory"
)

// oversized is an order whose item has no more room in the table.
const oversized = "oversized"

// limited is the table, which refuses some records.
type limited struct{ reporting.Store }

// Apply is part of reporting.Store.
func (l limited) Apply(ctx context.Context, w reporting.Write) error {
	for _, f := range w.Facts {
		if f.OrderID == oversized {
			return reporting.ErrUnstorable
		}
	}
	return l.Store.Apply(ctx, w)
}

// spoil has somebody else append records to the log that cannot be understood or stored.
func (b *brokers) spoil() {
	confirmed := func(subject, data string) reporting.Message {
		return reporting.Message{Headers: map[string]string{
			"ce_specversion": "1.0", "ce_id": "poison", "ce_type": ordersContract.OrderConfirmed, "ce_source": "nobody",
			"ce_subject": subject, "ce_time": "2026-01-05T09:00:00Z", "ce_aggregateversion": "1",
			"content-type": "application/json",
		}, Value: []byte(data)}
	}
	bad := []reporting.Message{
		{Value: []byte("not an event")},
		confirmed("someone", `{"orderId":"someone else"}`),
		confirmed(oversized, `{"orderId":"`+oversized+`","total":{"currency":"EUR","amount":1}}`),
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

// expire is retention: it removes some of the oldest records that the reports include. It removes
// no others: a consumer that is late enough to lose records would raise an alarm.
func (b *brokers) expire() {
	for _, s := range b.logSources {
		for i, p := range b.bounds(s.Topic.Topic) {
			kept := s.group.Committed(s.holders[i].Place)
			if b.w.IntN(2) == 0 || kept <= p.First {
				continue
			}
			first := p.First + 1 + b.w.Int64N(kept-p.First)
			gone := must(b.log.Read(context.Background(), p.Topic, p.Partition, first-1, 1))
			b.log.Trim(p.Topic, p.Partition, first)
			if at := gone[0].Time; at.After(b.lost) {
				b.lost = at
			}
			b.w.note("", "retention: %s, partition %d, begins with offset %d", p.Topic, p.Partition, first)
		}
	}
}

// remake deletes and recreates a topic once the reports include all of it, and tries again until
// then. A rebuild that is reading the topic could not tell, see ADR 63.
func (b *brokers) remake(s *logSource) {
	g := must(b.reports.Generations(context.Background()))
	if s.lag() > 0 || g.Rebuild != nil && g.Rebuild.State != reporting.Done {
		b.w.idly(time.Second, func() { b.remake(s) })
		return
	}
	for i, p := range b.bounds(s.Topic.Topic) {
		if p.End > p.First {
			last := must(b.log.Read(context.Background(), p.Topic, p.Partition, p.End-1, 1))
			if at := last[0].Time; at.After(b.lost) {
				b.lost = at
			}
		}
		s.group.Forget(s.holders[i].Place)
	}
	b.log.Remake(s.Topic.Topic)
	if s.Topic.Topic == ordersTopic {
		clear(b.spoiled)
	}
	b.w.changes++
	b.w.note("", "%s is deleted and made anew", s.Topic.Topic)
	for p := range s.holders {
		s.assign(int32(p)) //nolint:gosec // fits
	}
}

// place is that of a record in the topic of orders.
type place struct {
	partition int32
	offset    int64
}

const ordersTopic = "orderflow.orders.events"

// planReports plans poison in the log, retention, and rebuilds.
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
	if w.IntN(3) == 0 {
		for range 1 + w.IntN(3) {
			during(b.expire)
		}
	}
	if w.IntN(4) == 0 {
		during(func() { b.remake(one(w.fate, b.logSources)) })
	}
}

// rebuild makes an operator begin or resume a rebuild.
func (b *brokers) rebuild(fresh bool) {
	if r, err := b.rebuilds.Start(context.Background(), operator, fresh); err != nil {
		b.w.violate(reportsRight, "", "a rebuild cannot begin: %v", err)
	} else {
		b.w.note("", "an operator rebuilds the reports: %+v", r)
	}
}

// goOn is the operator's part: it restarts an unfinished rebuild whose execution is dead, and
// rebuilds the reports if the log's source gave up on records.
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
func (b *brokers) Run(_ context.Context, r reporting.Rebuild) error {
	w, name := b.w, r.Execution()
	if b.executions[name] {
		return nil
	}
	b.executions[name] = true
	in := must(json.Marshal(map[string]any{"generation": r.Generation, "traceparent": trace}))
	x := &rebuild{name: name, run: b.machine.Start(name, in)}
	if w.strikes(aborted) {
		x.fated = 1 + w.IntN(5)
	}
	w.note("", "%s of %s begins", name, rebuildReports)
	//nolint:contextcheck // an execution outlives the call
	w.after(w.between(time.Millisecond, 50*time.Millisecond), func() { b.drive(x) })
	return nil
}

// rebuild is an execution of the machine that rebuilds.
type rebuild struct {
	name string
	run  *asl.Execution
	// turn is the number of effects; answers to older ones are dropped. fated is the turn at which
	// it is aborted from outside, 0 for never.
	turn, fated int
}

// drive performs the next effect of an execution.
func (b *brokers) drive(x *rebuild) {
	x.turn++
	turn, w := x.turn, b.w
	answer := func(how func() error) {
		if x.turn == turn {
			must(0, how())
			b.drive(x)
		}
	}
	if _, ended := x.run.Next().(asl.Done); !ended && turn == x.fated {
		must(0, x.run.Stop(asl.Aborted, "", ""))
	}
	switch effect := x.run.Next().(type) {
	case asl.Invoke:
		w.after(effect.Timeout, func() { answer(func() error { return x.run.Fail(asl.ErrTimeout, "") }) })
		w.step(effect.Function, "", effect.Payload, func(out []byte, errorName, cause string) {
			answer(func() error {
				if errorName != "" {
					return x.run.Fail(errorName, cause)
				}
				return x.run.Succeed(out)
			})
		})
	case asl.Sleep:
		w.reach("retried: " + effect.State)
		w.after(w.between(effect.Min, effect.Max+1), func() { answer(x.run.Wake) })
	case asl.Done:
		w.note("", "%s of %s ends %s %s", x.name, rebuildReports, effect.Status, effect.Error)
		w.reach(rebuildReports + " ended " + string(effect.Status))
		for _, state := range x.run.Trace() {
			w.reach(rebuildReports + " " + state)
		}
	}
}

const (
	reportsRight = "the reports are the orders and the ledger"
	sameReports  = "a rebuild gives the same reports"
	historySaid  = "reports say since when they are complete"
	logIncluded  = "reports have what the log has"
)

// compareRebuilt checks the reports, rebuilds them, and compares both. Reports that claim to be
// complete must be right. If the log has lost records, a rebuild must give what a single reading of
// the rest gives, and say since when that is complete.
func (b *brokers) compareRebuilt() {
	w, ctx := b.w, context.Background()
	serving := func() (reporting.Generations, reporting.Rows) {
		g := must(b.reports.Generations(ctx))
		return g, b.reports.All(g.Serving)
	}
	before, want := serving()
	if r := before.Rebuild; r != nil && r.State != reporting.Done {
		w.violate(reportsRight, "", "a rebuild is unfinished: %+v", *r)
	}
	if before.Since.IsZero() {
		b.reportsRight(want)
	} else {
		w.reach("a rebuilt generation is not complete")
	}
	b.included(want)
	if !before.Anew.IsZero() {
		w.reach("a topic was made anew")
	}
	b.rebuild(true)
	w.rest(w.now.Add(patience))
	after, got := serving()
	if after.Serving <= before.Serving || after.Rebuild.State != reporting.Done {
		w.violate(reportsRight, "", "after a rebuild: %+v, %+v", after, *after.Rebuild)
	}
	if !b.lost.IsZero() {
		w.reach("the log lost records before a rebuild")
		want = b.reading()
	}
	if after.Since.IsZero() != b.lost.IsZero() || after.Since.Before(b.lost) {
		w.violate(historySaid, "", "since %s, but the log has lost records until %s", after.Since, b.lost)
	}
	if !reflect.DeepEqual(want, got) {
		w.violate(sameReports, "", "it has %v, want %v", got, want)
	}
	b.poisonParked(after.Serving)
	for generation := range after.Serving {
		if left := b.reports.All(generation); len(left) > 0 {
			w.violate(sameReports, "", "generation %d is left, with %v", generation, left)
		}
	}
}

// included checks that the reports have each order that is in the log.
func (b *brokers) included(rows reporting.Rows) {
	for id, amounts := range b.reading() {
		if n := amounts[reporting.Orders]; id.Report == reporting.Funnel && rows[id][reporting.Orders] < n {
			b.w.violate(logIncluded, "", "they have %v of %v, the log has %d", rows[id], id, n)
		}
	}
}

// reading returns the reports of a single reading of the log.
func (b *brokers) reading() reporting.Rows {
	ctx, store := context.Background(), reportingMemory.New(b.w)
	project := reporting.New(limited{store}, b.w, nil)
	for _, topic := range reporting.Topics {
		for _, p := range b.bounds(topic) {
			records := must(b.log.Read(ctx, topic, p.Partition, p.First, int(p.End-p.First)))
			must(0, project.ProjectSales(ctx, reporting.Source{Topic: topic, Partition: p.Partition}, records))
		}
	}
	return store.All(1)
}

// poisonParked: exactly the records of the log that cannot be understood or stored are parked.
func (b *brokers) poisonParked(generation int64) {
	parked := map[place]bool{}
	all := b.reports.AllParked(generation)
	for _, p := range all {
		parked[place{p.Partition, p.Offset}] = p.Topic == ordersTopic
	}
	want, bounds := maps.Clone(b.spoiled), b.bounds(ordersTopic)
	maps.DeleteFunc(want, func(at place, _ bool) bool { return at.offset < bounds[at.partition].First })
	if len(all) != len(parked) || !maps.Equal(parked, want) {
		b.w.violate("what cannot be understood is parked once", "", "parked: %v, want %v", all, want)
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

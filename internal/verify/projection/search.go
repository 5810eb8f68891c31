// Package projection searches all runs between the log and the sales reports for one in which
// something is missing, counted twice, or counted by a generation that is not current.
//
// The projector, the rebuild and their store are real; the log is the one that tests use. A run is
// one order with two refunds, whose events are in the log in one of several orders and with
// repetitions, and a record that cannot be understood. Its threads are two deliveries of the
// orders' records (a rebalance, or a zombie), one of the payments' records, and a rebuild, which
// reads two records at a time. Writes fail, their answers are lost, or the process ends after them.
// Then unacknowledged records are delivered again, the rebuild is finished, and the reports of the
// current generation must be right. In other runs, a report is read while a rebuild takes over.
package projection

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"reflect"
	"time"

	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/money"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
	"orderflow/internal/verify/interleave"
)

// Options bound the runs. Mutant is a defect to insert, or nil.
type Options struct {
	interleave.Bounds
	Rebuild bool // with a rebuild; without it, two deliveries of the orders' records
	Reader  bool // a rebuild and a reader of a report, without deliveries
	Mutant  *Mutant
}

// Search searches all runs.
func Search(o Options) interleave.Report {
	return interleave.Search(o.Bounds, time.Now, func(r *interleave.Run) error {
		w := newWorld(r, o)
		if o.Reader {
			return w.look()
		}
		return w.run(o.Rebuild)
	})
}

const (
	id            = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	ordersTopic   = "orderflow.orders.events"
	paymentsTopic = "orderflow.payments.events"
)

var midnight = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

func eur(n int64) money.Money { return money.Money{Currency: "EUR", Amount: n} }

func event(eventType string, version int64, at time.Duration, data any) envelope.Event {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return envelope.Event{
		SpecVersion: "1.0", ID: fmt.Sprint(eventType, version), Source: "orderflow/test", Type: eventType, Subject: id,
		Time: midnight.Add(at), DataContentType: "application/json", Data: b, AggregateVersion: version,
	}
}

func refund(version, sum int64, at time.Duration) envelope.Event {
	total := eur(sum)
	return event(payments.PaymentPartlyRefunded, version, at,
		payments.PaymentEvent{OrderID: id, Amount: eur(2500), RefundedAmount: &total})
}

// The order: two cups for 20 euros and tea for 5, placed before midnight and confirmed after it. Of
// that, 3 euros were refunded on the first day, and 4 more on the second.
var (
	placed = event(orders.OrderCreated, 1, -time.Minute, orders.Created{
		OrderID: id, Total: eur(2500), Items: []orders.Item{
			{SKU: "CUP", Quantity: 2, UnitPrice: eur(1000)}, {SKU: "TEA", Quantity: 1, UnitPrice: eur(500)},
		},
	})
	confirmed = event(orders.OrderConfirmed, 2, time.Minute, orders.Changed{OrderID: id, Total: eur(2500)})
	rejected  = event(orders.OrderRejected, 2, time.Minute,
		orders.Changed{OrderID: id, Total: eur(2500), Reason: "OUT_OF_STOCK"})
	first  = refund(3, 300, -time.Second)
	second = refund(4, 700, 2*time.Minute)
	poison = envelope.Event{ID: "poison", Type: orders.OrderCreated, Subject: id, Data: []byte(`{}`)}
)

// histories are the possible records of an order in the log, by topic, with the number of the
// orders' records that are in the reports before the run.
var histories = []struct {
	orders, payments []envelope.Event
	sold             bool
	projected        int
}{
	{[]envelope.Event{placed, confirmed, poison}, []envelope.Event{first, second}, true, 1},
	{[]envelope.Event{confirmed, poison, placed, confirmed}, []envelope.Event{second, first, second}, true, 0},
	{[]envelope.Event{placed, poison, rejected}, []envelope.Event{first, second}, false, 0},
}

// expected are the reports of an order that was sold or rejected.
func expected(sold bool) reporting.Rows {
	const before, after = "2026-11-28", "2026-11-29"
	rows := reporting.Rows{}
	rows.Add(reporting.Funnel, before, "PLACED", reporting.Orders, 1)
	rows.Add(reporting.Latency, after, "", reporting.Bin(2*time.Minute), 1)
	if !sold {
		rows.Add(reporting.Funnel, after, "REJECTED#OUT_OF_STOCK", reporting.Orders, 1)
		return rows
	}
	rows.Add(reporting.Funnel, after, "CONFIRMED", reporting.Orders, 1)
	rows.Add(reporting.Sales, after, "EUR", reporting.Orders, 1)
	rows.Add(reporting.Sales, after, "EUR", reporting.Units, 3)
	rows.Add(reporting.Sales, after, "EUR", reporting.Revenue, 2500)
	rows.Add(reporting.Sales, before, "EUR", reporting.Refunds, 300)
	rows.Add(reporting.Sales, after, "EUR", reporting.Refunds, 400)
	rows.Add(reporting.Products, after, "EUR#CUP", reporting.Units, 2)
	rows.Add(reporting.Products, after, "EUR#CUP", reporting.Revenue, 2000)
	rows.Add(reporting.Products, after, "EUR#TEA", reporting.Units, 1)
	rows.Add(reporting.Products, after, "EUR#TEA", reporting.Revenue, 500)
	return rows
}

type world struct {
	*interleave.Run
	log      *memory.Log
	store    *memory.Store
	service  *reporting.Service
	rebuilds *reporting.Rebuilds
	reader   *reporting.Service
	sold     bool
	known    bool                          // the order is in the reports before the run
	sources  map[string][]reporting.Record // the records of the order, by topic
	// last is appended to the log only during the run. acknowledged is how many records of a topic
	// no poller delivers again, by topic.
	last         reporting.Message
	appended     bool
	acknowledged map[string]int
}

func newWorld(r *interleave.Run, o Options) *world {
	c := clock.At(midnight.Add(time.Hour))
	w := &world{
		Run: r, log: memory.NewLog(c, ordersTopic, paymentsTopic), store: memory.New(c),
		sources: map[string][]reporting.Record{}, acknowledged: map[string]int{},
	}
	history := histories[r.Pick(len(histories))]
	w.sold, w.known = history.sold, history.projected > 0
	end := len(history.orders) - 1
	w.fill(ordersTopic, history.orders[:end])
	w.last = message(history.orders[end])
	w.fill(paymentsTopic, history.payments)
	if known := w.sources[ordersTopic][:history.projected]; len(known) > 0 {
		source := reporting.Source{Topic: ordersTopic, Partition: known[0].Partition}
		must(0, reporting.New(w.store, c, nil).ProjectSales(context.Background(), source, known))
	}
	w.store.Guard(r)

	var store reporting.Store = w.store
	if o.Mutant != nil && o.Mutant.Store != nil {
		store = o.Mutant.Store(store)
	}
	w.service = reporting.New(store, c, nil)
	if o.Mutant != nil && o.Mutant.Records != nil {
		for _, records := range w.sources {
			o.Mutant.Records(records)
		}
	}
	w.rebuilds = reporting.NewRebuilds(w.service, brief{w.log}, machine{})
	w.reader = w.service
	if o.Mutant != nil && o.Mutant.Reads != nil {
		w.reader = reporting.New(o.Mutant.Reads(store), c, nil)
	}
	return w
}

// brief returns at most two records at a time.
type brief struct{ reporting.Log }

// Read is part of reporting.Log.
func (b brief) Read(ctx context.Context, topic string, p int32, from int64, _ int) ([]reporting.Record, error) {
	return b.Log.Read(ctx, topic, p, from, 2)
}

// machine starts nothing: the rebuild is a thread.
type machine struct{}

func (machine) Run(context.Context, reporting.Rebuild) error { return nil }

// messages are those of an event, encoded once.
var messages = map[string]reporting.Message{}

func message(e envelope.Event) reporting.Message {
	m, encoded := messages[e.ID]
	if !encoded {
		m = must(reporting.MessageOf(context.Background(), e))
		messages[e.ID] = m
	}
	m.Headers = maps.Clone(m.Headers)
	return m
}

func (w *world) fill(topic string, events []envelope.Event) {
	for _, e := range events {
		w.append(topic, message(e))
	}
}

// append appends a record to the log.
func (w *world) append(topic string, m reporting.Message) {
	ctx := context.Background()
	if err := w.log.Append(ctx, []reporting.Message{m})[0]; err != nil {
		panic(err)
	}
	for _, p := range must(w.log.Partitions(ctx)) {
		if p.Topic == topic && p.End > 0 {
			w.sources[topic] = must(w.log.Read(ctx, topic, p.Partition, 0, 100))
		}
	}
}

// must is for encoding our own values and for calls of a log, neither of which fails.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// project delivers the records of a topic from one on, in batches of a size, until one of them
// fails.
func (w *world) project(topic string, from, size int) error {
	for records := w.sources[topic]; from < len(records); records = w.sources[topic] {
		batch := records[from:min(from+size, len(records))]
		source := reporting.Source{Topic: topic, Partition: batch[0].Partition}
		if err := w.service.ProjectSales(context.Background(), source, batch); err != nil {
			return err
		}
		from += len(batch)
		w.acknowledged[topic] = max(w.acknowledged[topic], from)
	}
	return nil
}

// goOn appends and delivers the last record.
func (w *world) goOn() error {
	if !w.appended {
		w.appended = true
		w.append(ordersTopic, w.last)
		w.Did("the last record is in the log")
	}
	return w.project(ordersTopic, w.acknowledged[ordersTopic], 1)
}

// rebuild begins or resumes a rebuild, until the new generation is current and the old one is
// removed.
func (w *world) rebuild() error {
	ctx := context.Background()
	if must(w.store.Generations(ctx)).Serving == 1 {
		r, err := w.rebuilds.Start(ctx, "test", false)
		for state := r.State; err == nil && state != reporting.Switched; {
			state, err = w.rebuilds.Build(ctx, r.Generation)
		}
		if err != nil {
			return err
		}
	}
	for more := true; more; {
		var err error
		if more, err = w.rebuilds.RemoveOld(ctx); err != nil {
			return err
		}
	}
	return nil
}

// look reads a report while a rebuild takes over. The content of the reports does not change.
func (w *world) look() error {
	var page reporting.Page
	var failed error
	w.Go("a reader", func() error {
		page, failed = w.reader.ReadReport(context.Background(), reporting.Query{Report: reporting.Funnel, Limit: 9})
		return failed
	})
	w.Go("the rebuild", w.rebuild)
	w.Wait()
	if failed == nil && w.known && len(page.Rows) == 0 {
		return fmt.Errorf("a report has what the reports have: generation %d answered with nothing", page.Generation)
	}
	return failed
}

// run runs the threads, then checks the reports.
func (w *world) run(rebuild bool) error {
	w.Go("a delivery of the orders", func() error {
		return cmp.Or(w.project(ordersTopic, 0, 9), w.goOn())
	})
	if rebuild {
		w.Go("the rebuild", w.rebuild)
	} else {
		w.Go("another delivery of the orders", func() error { return w.project(ordersTopic, 0, 1) })
	}
	w.Go("a delivery of the payments", func() error { return w.project(paymentsTopic, 0, 9) })
	w.Wait()
	return w.check(rebuild)
}

// check delivers unacknowledged records again, without faults, finishes the rebuild, and compares
// the reports.
func (w *world) check(rebuild bool) error {
	ctx := context.Background()
	w.Quiet()
	payments := w.project(paymentsTopic, w.acknowledged[paymentsTopic], 9)
	if err := cmp.Or(payments, w.goOn()); err != nil {
		return fmt.Errorf("records that are delivered again are projected: %w", err)
	}
	if !rebuild {
		return w.right(1)
	}
	if must(w.store.Generations(ctx)).Serving == 1 {
		if err := w.right(1); err != nil {
			return err
		}
	}
	if err := w.rebuild(); err != nil {
		return fmt.Errorf("a rebuild that is resumed is finished: %w", err)
	}
	if serving := must(w.store.Generations(ctx)).Serving; serving != 2 {
		return fmt.Errorf("the rebuilt generation serves, not %d", serving)
	}
	if left, parked := w.store.All(1), w.store.AllParked(1); len(left)+len(parked) > 0 {
		return fmt.Errorf("a generation that was removed stays so: it has %v, %v", left, parked)
	}
	return w.right(2)
}

// right checks the reports of a generation.
func (w *world) right(generation int64) error {
	if got, want := w.store.All(generation), expected(w.sold); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("reports count everything once: generation %d has %v, want %v", generation, got, want)
	}
	if parked := w.store.AllParked(generation); len(parked) != 1 {
		return fmt.Errorf("a record that cannot be understood is parked once: generation %d has %v", generation, parked)
	}
	return nil
}

// Prove searches and writes the results. ok is false if a run broke a promise.
func Prove(out io.Writer) (ok bool) {
	without := Search(Options{Bounds: interleave.Bounds{Switches: 2, Faults: 1}})
	fmt.Fprintln(out, "\nrecords of the log and the reports")
	without.Print(out)
	with := Search(Options{Bounds: interleave.Bounds{Switches: 1, Faults: 1}, Rebuild: true})
	fmt.Fprintln(out, "\nrecords of the log, the reports and a rebuild")
	with.Print(out)
	read := Search(Options{Bounds: interleave.Bounds{Switches: 2, Faults: 1}, Reader: true})
	fmt.Fprintln(out, "\na report that is read during a rebuild")
	read.Print(out)
	return without.Broken == "" && with.Broken == "" && read.Broken == ""
}

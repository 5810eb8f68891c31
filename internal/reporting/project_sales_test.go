package reporting_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/money"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

var (
	day    = time.Date(2026, 11, 28, 23, 59, 58, 0, time.UTC)
	source = reporting.Source{Topic: "orderflow.orders.events", Partition: 2}
)

func eur(n int64) money.Money { return money.Money{Currency: "EUR", Amount: n} }

// event returns the event of a type about an order, at some seconds after day.
func event(eventType, orderID string, version, seconds int64, data any) envelope.Event {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return envelope.Event{
		SpecVersion: "1.0", ID: fmt.Sprint(orderID, eventType, version), Source: "orderflow/test", Type: eventType,
		Subject: orderID, Time: day.Add(time.Duration(seconds) * time.Second), DataContentType: "application/json",
		Data: b, AggregateVersion: version,
	}
}

func created(id string, lines ...orders.Item) envelope.Event {
	var total int64
	for _, l := range lines {
		total += int64(l.Quantity) * l.UnitPrice.Amount
	}
	return event(orders.OrderCreated, id, 1, 0, orders.Created{OrderID: id, Items: lines, Total: eur(total)})
}

func item(sku string, quantity int, price int64) orders.Item {
	return orders.Item{SKU: sku, Quantity: quantity, UnitPrice: eur(price)}
}

func ended(eventType, id, reason string, total, seconds int64) envelope.Event {
	return event(eventType, id, 3, seconds, orders.Changed{OrderID: id, Total: eur(total), Reason: reason})
}

func refunded(id string, version, sum, seconds int64) envelope.Event {
	refund := eur(sum)
	return event(payments.PaymentPartlyRefunded, id, version, seconds,
		payments.PaymentEvent{OrderID: id, Amount: eur(10_000), RefundedAmount: &refund})
}

// records puts events into a source's log, from an offset on.
func records(t testing.TB, from int64, events ...envelope.Event) []reporting.Record {
	t.Helper()
	var all []reporting.Record
	for i, e := range events {
		m, err := reporting.MessageOf(context.Background(), e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, reporting.Record{
			Topic: source.Topic, Partition: source.Partition, Offset: from + int64(i), Key: m.Key, Headers: m.Headers,
			Value: m.Value, Time: day,
		})
	}
	return all
}

func open() (*reporting.Service, *memory.Store) {
	c := clock.At(day)
	store := memory.New(c)
	return reporting.New(store, c, nil), store
}

func project(t testing.TB, s *reporting.Service, records []reporting.Record) {
	t.Helper()
	if err := s.ProjectSales(context.Background(), source, records); err != nil {
		t.Fatal(err)
	}
}

func wantRows(t testing.TB, store *memory.Store, want reporting.Rows) {
	t.Helper()
	if got := store.All(1); !reflect.DeepEqual(got, want) {
		t.Errorf("got rows\n%v\nwant\n%v", got, want)
	}
}

func TestSalesAreCountedOnTheDayOfTheConfirmation(t *testing.T) {
	s, store := open()
	project(t, s, records(t, 0,
		created("A", item("MUG", 2, 1999), item("PEN", 1, 100)), ended(orders.OrderConfirmed, "A", "", 4098, 3),
		created("B", item("MUG", 1, 1999)), ended(orders.OrderRejected, "B", "OUT_OF_STOCK", 1999, 1),
		created("C", item("PEN", 1, 100)), ended(orders.OrderCancelled, "C", "CANCELLED_BY_CUSTOMER", 100, 1),
		created("D", item("PEN", 9, 100)),
		refunded("A", 4, 1000, 5), refunded("A", 5, 4098, 86400), refunded("C", 3, 100, 5)))
	want := reporting.Rows{}
	want.Add(reporting.Funnel, "2026-11-28", "PLACED", reporting.Orders, 4)
	want.Add(reporting.Funnel, "2026-11-29", "CONFIRMED", reporting.Orders, 1)
	want.Add(reporting.Funnel, "2026-11-28", "REJECTED#OUT_OF_STOCK", reporting.Orders, 1)
	want.Add(reporting.Funnel, "2026-11-28", "CANCELLED#CANCELLED_BY_CUSTOMER", reporting.Orders, 1)
	want.Add(reporting.Latency, "2026-11-29", "", reporting.Bin(3*time.Second), 1)
	want.Add(reporting.Latency, "2026-11-28", "", reporting.Bin(time.Second), 2)
	for name, amount := range map[string]int64{reporting.Orders: 1, reporting.Units: 3, reporting.Revenue: 4098} {
		want.Add(reporting.Sales, "2026-11-29", "EUR", name, amount)
	}
	want.Add(reporting.Sales, "2026-11-29", "EUR", reporting.Refunds, 1000+3098)
	want.Add(reporting.Products, "2026-11-29", "EUR#MUG", reporting.Units, 2)
	want.Add(reporting.Products, "2026-11-29", "EUR#MUG", reporting.Revenue, 3998)
	want.Add(reporting.Products, "2026-11-29", "EUR#PEN", reporting.Units, 1)
	want.Add(reporting.Products, "2026-11-29", "EUR#PEN", reporting.Revenue, 100)
	wantRows(t, store, want)
}

// story draws orders with all that may happen to them.
func story(t *rapid.T) (all []envelope.Event) {
	for n := range rapid.IntRange(1, 12).Draw(t, "orders") {
		id := "O" + strconv.Itoa(n)
		price := rapid.Int64Range(0, 5000).Draw(t, "price")
		all = append(all, created(id, item("SKU"+strconv.Itoa(n%3), 1+n%4, price), item("PEN", 1, 100)))
		seconds := rapid.Int64Range(0, 100_000).Draw(t, "seconds")
		switch rapid.IntRange(0, 3).Draw(t, "end") {
		case 0:
			all = append(all, ended(orders.OrderConfirmed, id, "", price*int64(1+n%4)+100, seconds))
		case 1:
			all = append(all, ended(orders.OrderRejected, id, "DECLINED", price, seconds))
		case 2:
			all = append(all, ended(orders.OrderCancelled, id, "BY_CUSTOMER", price, seconds))
		}
		var sum int64
		for version := range rapid.Int64Range(0, 3).Draw(t, "refunds") {
			sum += 1 + rapid.Int64Range(0, 10).Draw(t, "refund")
			all = append(all, refunded(id, 4+version, sum, seconds+version*40_000))
		}
	}
	return all
}

// TestReportsDoNotDependOnOrderAndRepetition also cuts the log into batches of any size, and
// delivers some again.
func TestReportsDoNotDependOnOrderAndRepetition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := story(rt)
		plain, want := open()
		project(t, plain, records(t, 0, events...))
		again := append(rapid.Permutation(events).Draw(rt, "order"),
			rapid.SliceOf(rapid.SampledFrom(events)).Draw(rt, "repeated")...)
		s, store := open()
		log := records(t, 0, again...)
		for at := 0; at < len(log); {
			end := rapid.IntRange(at+1, len(log)).Draw(rt, "end")
			begin := rapid.IntRange(0, at).Draw(rt, "begin")
			project(t, s, log[begin:end])
			at = end
		}
		project(t, s, log)
		if got, want := store.All(1), want.All(1); !reflect.DeepEqual(got, want) {
			rt.Errorf("got rows\n%v\nwant\n%v", got, want)
		}
	})
}

func TestALargeBatchTakesSeveralTransactions(t *testing.T) {
	_, store := open()
	var events []envelope.Event
	for n := range 300 {
		id := "O" + strconv.Itoa(n)
		var lines []orders.Item
		for sku := range 40 {
			lines = append(lines, item(fmt.Sprintf("SKU%d-%d", n, sku), 1, 10))
		}
		events = append(events, created(id, lines...), ended(orders.OrderConfirmed, id, "", 400, 1))
	}
	watched := &applied{Store: store}
	s := reporting.New(watched, clock.At(day), nil)
	project(t, s, records(t, 0, events...))
	sales := store.All(1)[reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: "EUR"}]
	if sales[reporting.Units] != 12_000 {
		t.Errorf("sales %v", sales)
	}
	for _, w := range watched.writes {
		if n := len(w.Facts) + len(w.Rows) + len(w.Parked); n > reporting.MaxActions {
			t.Errorf("a transaction with %d items", n)
		}
	}
	t.Logf("%d events in %d transactions", len(events), len(watched.writes))
}

// applied keeps the writes of a store.
type applied struct {
	reporting.Store
	writes []reporting.Write
}

func (a *applied) Apply(ctx context.Context, w reporting.Write) error {
	a.writes = append(a.writes, w)
	return a.Store.Apply(ctx, w)
}

func TestPoisonIsParkedAndTheRestGoesOn(t *testing.T) {
	s, store := open()
	log := records(t, 7, created("A", item("MUG", 1, 5)), created("B", item("MUG", 1, 5)), created("C"),
		event(orders.OrderCreated, "D", 1, 0, orders.Created{OrderID: "E", Items: []orders.Item{item("MUG", 1, 5)}}),
		event("orderflow.orders.order.overdue.v1", "A", 1, 0, map[string]string{"not": "looked at"}))
	log = append(log[:len(log):len(log)], reporting.Record{Topic: source.Topic, Offset: 12, Value: []byte("{")})
	log[1].Value = []byte(`{"orderId":"B","items":"none"}`)
	project(t, s, log)
	project(t, s, log[:3]) // again
	parked := store.AllParked(1)
	var offsets []int64
	for _, p := range parked {
		offsets = append(offsets, p.Offset)
		if p.Source != source || p.Reason == "" || !p.At.Equal(day) {
			t.Errorf("parked %+v", p)
		}
	}
	if !reflect.DeepEqual(offsets, []int64{8, 9, 10, 12}) {
		t.Errorf("parked offsets %v", offsets)
	}
	want := reporting.Rows{}
	want.Add(reporting.Funnel, "2026-11-28", "PLACED", reporting.Orders, 1)
	wantRows(t, store, want)
}

// full refuses writes with an order, as a table does whose item of the order is full.
type full struct {
	reporting.Store
	orderID string
	writes  int
}

func (f *full) Apply(ctx context.Context, w reporting.Write) error {
	f.writes++
	for _, of := range w.Facts {
		if of.OrderID == f.orderID {
			return reporting.ErrUnstorable
		}
	}
	return f.Store.Apply(ctx, w)
}

func TestRecordThatTheStoreCannotHoldIsParked(t *testing.T) {
	_, memory := open()
	store := &full{Store: memory, orderID: "O70"}
	s := reporting.New(store, clock.At(day), nil)
	var events []envelope.Event
	for n := range 100 {
		events = append(events, created(fmt.Sprint("O", n), item("MUG", 1, 5)))
	}
	project(t, s, records(t, 0, events...))
	want := reporting.Rows{}
	want.Add(reporting.Funnel, "2026-11-28", "PLACED", reporting.Orders, 99)
	wantRows(t, memory, want)
	parked, _, err := memory.ReadParked(t.Context(), 1, 10, "")
	if err != nil || len(parked) != 1 || parked[0].Offset != 70 || parked[0].Reason != "UnstorableRecord" {
		t.Errorf("parked %+v, %v", parked, err)
	}
	if store.writes > 20 {
		t.Errorf("it took %d writes", store.writes)
	}
}

// broken is a store that refuses all writes for a reason.
type broken struct {
	reporting.Store
	reason error
}

func (b broken) Apply(context.Context, reporting.Write) error { return b.reason }

func TestRecordsAreNotParkedIfTheStoreIsBroken(t *testing.T) {
	for _, reason := range []error{reporting.ErrUnstorable, errors.New("access denied"), context.DeadlineExceeded} {
		_, store := open()
		s := reporting.New(broken{store, reason}, clock.At(day), nil)
		all := records(t, 0, created("A", item("MUG", 1, 5)), created("B"))
		if err := s.ProjectSales(t.Context(), source, all); !errors.Is(err, reason) {
			t.Errorf("%v: %v", reason, err)
		}
	}
}

func TestRebuildParksWhatTheStoreCannotHold(t *testing.T) {
	f := newFixture(t)
	f.append(created("A", item("MUG", 1, 5)), created("X", item("MUG", 1, 5)), created("C", item("MUG", 1, 5)))
	f.Rebuilds = f.over(&full{Store: f.store, orderID: "X"})
	f.deliver(f.Service, 0)
	f.rebuild()
	for generation, want := range map[int64]int{1: 0, 2: 1} {
		parked, _, err := f.store.ReadParked(t.Context(), generation, 10, "")
		if err != nil || len(parked) != want {
			t.Errorf("generation %d has parked %v, %v", generation, parked, err)
		}
	}
}

func TestRefundsOfDifferentCurrenciesAreNotAddedUp(t *testing.T) {
	dollars := func(version, sum int64) envelope.Event {
		e := refunded("A", version, sum, 1)
		e.Data = fmt.Appendf(nil, `{"orderId":"A","amount":{"currency":"EUR","amount":10000},`+
			`"refundedAmount":{"currency":"USD","amount":%d}}`, sum)
		return e
	}
	rapid.Check(t, func(rt *rapid.T) {
		s, store := open()
		project(t, s, records(t, 0, rapid.Permutation([]envelope.Event{
			ended(orders.OrderConfirmed, "A", "", 200, 1), refunded("A", 4, 100, 1), dollars(5, 120),
			refunded("A", 6, 150, 1), dollars(7, 130),
		}).Draw(rt, "events")...))
		for currency, want := range map[string]int64{"EUR": 150, "USD": 130} {
			id := reporting.RowID{Report: reporting.Sales, Day: "2026-11-28", Of: currency}
			if got := store.All(1)[id][reporting.Refunds]; got != want {
				rt.Errorf("%s %d, want %d", currency, got, want)
			}
		}
	})
}

// overtaken lets another invocation project first, some times.
type overtaken struct {
	reporting.Store
	times int
	first func()
}

func (o *overtaken) Apply(ctx context.Context, w reporting.Write) error {
	if o.times > 0 {
		o.times--
		o.first()
	}
	return o.Store.Apply(ctx, w)
}

func TestAnOvertakenInvocationChangesNothing(t *testing.T) {
	s, store := open()
	log := records(t, 0, created("A", item("MUG", 1, 5)), ended(orders.OrderConfirmed, "A", "", 5, 1))
	slow := reporting.New(&overtaken{store, 1, func() { project(t, s, log) }}, clock.At(day), nil)
	project(t, slow, log)
	fresh, want := open()
	project(t, fresh, log)
	wantRows(t, store, want.All(1))
}

func TestInvocationThatIsOvertakenAgainAndAgainFails(t *testing.T) {
	_, store := open()
	next := int64(0)
	other := reporting.Source{Topic: "orderflow.payments.events"}
	s := reporting.New(&overtaken{store, 100, func() {
		facts, err := store.Facts(t.Context(), 1, []string{"A"})
		if err != nil {
			t.Fatal(err)
		}
		f := facts["A"]
		f.OrderID, f.Version = "A", f.Version+1
		w := reporting.Write{Generation: 1, Source: other, From: next, To: next + 1, Facts: []reporting.Facts{f}}
		if err := store.Apply(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		next++
	}}, clock.At(day), nil)
	err := s.ProjectSales(t.Context(), source, records(t, 0, created("A", item("MUG", 1, 5))))
	if !errors.Is(err, reporting.ErrOvertaken) || next < 3 {
		t.Errorf("got %v after %d tries", err, next)
	}
}

func TestQuantilesAreExactToAPercent(t *testing.T) {
	counts := reporting.Amounts{}
	for ms := 1; ms <= 1000; ms++ {
		counts[reporting.Bin(time.Duration(ms)*time.Millisecond)]++
	}
	for q, want := range map[float64]float64{.5: 500, .95: 950, .99: 990} {
		got, n, err := reporting.Quantile(counts, q)
		if ms := got.Seconds() * 1000; err != nil || n != 1000 || ms < want*.98 || ms > want*1.02 {
			t.Errorf("quantile %v of %d: %s, %v", q, n, got, err)
		}
	}
	if _, n, err := reporting.Quantile(nil, .5); n != 0 || err != nil {
		t.Errorf("of nothing: %d, %v", n, err)
	}
}

func TestWorkersAreNotInTheLog(t *testing.T) {
	// the reason that warehouse sends to inventory, and inventory publishes
	e := event(inventory.StockAdjusted, "MUG", 1, 0, map[string]any{
		"sku": "MUG", "delta": 48, "by": "warehouse",
		"reason": "goods received by jane.doe, reference DN-1, message m-1",
	})
	m, err := reporting.MessageOf(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(m.Value), "jane.doe") {
		t.Errorf("the log has %s", m.Value)
	}
}

func TestEventsBeyondTheirBoundsAreParked(t *testing.T) {
	long := strings.Repeat("X", 65)
	var many []orders.Item
	for n := range 41 {
		many = append(many, item("SKU"+strconv.Itoa(n), 1, 1))
	}
	for name, e := range map[string]envelope.Event{
		"lines": created("A", many...), "SKU": created("A", item(long, 1, 1)),
		"order":    created(long, item("MUG", 1, 1)),
		"no order": created("", item("MUG", 1, 1)),
		"line":     created("A", item("MUG", 101, 10_000_000_000)),
		"quantity": created("A", item("MUG", 1000, 1)), "price": created("A", item("MUG", 1, 1_000_000_000_001)),
		"reason": ended(orders.OrderRejected, "A", long, 1, 1),
		"total":  ended(orders.OrderConfirmed, "A", "", 1_000_000_000_001, 1),
		"refund": refunded("A", 4, 1_000_000_000_001, 1),
	} {
		s, store := open()
		project(t, s, records(t, 0, e))
		if parked := store.AllParked(1); len(parked) != 1 {
			t.Errorf("%s: parked %v", name, parked)
		}
	}
}

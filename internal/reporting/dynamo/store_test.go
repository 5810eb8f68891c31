package dynamo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/dynamo"
	"orderflow/internal/reporting/memory"
	"orderflow/internal/reporting/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (reporting.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
	storesuite.RunCases(t, open, storetest.Kinds)
}

// The keys of records that earlier releases parked did not begin with the time.
func TestRecordsParkedByEarlierReleasesAreListedLast(t *testing.T) {
	table := ddbtest.NewTable(t, clock.System{})
	store := dynamo.Store{Table: table}
	of := reporting.Source{Topic: "orderflow.orders.events", Partition: 1}
	old := reporting.Parked{Source: of, Offset: 7, Reason: "MalformedEvent", At: storesuite.Start}
	item := struct {
		Topic     string    `dynamodbav:"topic"`
		Partition int32     `dynamodbav:"partition"`
		Offset    int64     `dynamodbav:"offset"`
		Reason    string    `dynamodbav:"reason"`
		At        time.Time `dynamodbav:"at"`
	}{of.Topic, of.Partition, old.Offset, old.Reason, old.At}
	op := table.Save("G1#parked", "orderflow.orders.events#00001#0000000000000000007", item)
	storesuite.Must(t, table.Commit(t.Context(), commit.With{}, op))
	late := reporting.Parked{Source: of, Offset: 8, Reason: "MalformedEvent", At: storesuite.Start.Add(time.Hour)}
	storesuite.Must(t, store.Apply(t.Context(), reporting.Write{
		Generation: 1, Source: of, To: 9, Parked: []reporting.Parked{late},
	}))
	got, _, err := store.ReadParked(t.Context(), 1, 10, "")
	if want := []reporting.Parked{late, old}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}

func TestRebuildOverTheTableEqualsTheMemoryStore(t *testing.T) {
	c, log := clock.System{}, story(t, 300)
	table, inMemory := dynamo.Store{Table: ddbtest.NewTable(t, c)}, memory.New(c)
	for _, store := range []reporting.Store{table, inMemory} {
		rebuild(t, store, log)
	}
	got := reporting.Rows{}
	for _, report := range []reporting.Report{
		reporting.Sales, reporting.Products, reporting.Funnel, reporting.Latency,
	} {
		days := reporting.Range{Report: report, From: "2026-01-01", To: "2026-12-31"}
		rows, err := table.ReadRows(t.Context(), 2, days, reporting.RowID{}, 1000)
		storesuite.Must(t, err)
		for _, row := range rows {
			got[row.RowID] = row.Amounts
		}
	}
	if want := inMemory.All(2); len(want) < 10 || !reflect.DeepEqual(got, want) {
		t.Errorf("rows %v, want %v", got, want)
	}
}

func TestItemThatIsTooLargeIsUnstorable(t *testing.T) {
	store := dynamo.Store{Table: ddbtest.NewTable(t, clock.System{})}
	line := reporting.Line{SKU: strings.Repeat("X", 500_000), Quantity: 1, UnitPrice: euros(1)}
	w := reporting.Write{Generation: 1, To: 1, Facts: []reporting.Facts{
		{OrderID: "A", Version: 1, Placed: &reporting.Placed{Lines: []reporting.Line{line}}},
	}}
	if err := store.Apply(t.Context(), w); !errors.Is(err, reporting.ErrUnstorable) {
		t.Error(err)
	}
}

// BenchmarkRebuildOverTheTable rebuilds the reports of 5,000 orders with 15,000 events over a table
// in an emulator.
func BenchmarkRebuildOverTheTable(b *testing.B) {
	const placed = 5000
	log := story(b, placed)
	b.ResetTimer()
	for b.Loop() {
		b.StopTimer()
		store := dynamo.Store{Table: ddbtest.NewTable(b, clock.System{})}
		b.StartTimer()
		rebuild(b, store, log)
	}
	b.ReportMetric(3*placed*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// story returns a log with three events of each of some orders.
func story(t testing.TB, placed int) *memory.Log {
	t.Helper()
	log := memory.NewLog(clock.System{}, reporting.Topics...)
	for n := range placed {
		id := fmt.Sprintf("O%04d", n)
		line := orders.Item{SKU: fmt.Sprint("SKU", n%9), Quantity: 1 + n%3, UnitPrice: euros(250)}
		put(t, log, orders.OrderCreated, id, 1, orders.Created{OrderID: id, Items: []orders.Item{line}})
		end := orders.Changed{OrderID: id, Total: euros(250 * int64(line.Quantity))}
		put(t, log, orders.OrderConfirmed, id, 2, end)
		refund := euros(100)
		put(t, log, payments.PaymentPartlyRefunded, id, 3, payments.PaymentEvent{OrderID: id, RefundedAmount: &refund})
	}
	return log
}

// rebuild runs a rebuild from its start to its end.
func rebuild(t testing.TB, store reporting.Store, log reporting.Log) {
	t.Helper()
	svc := reporting.NewRebuilds(reporting.New(store, clock.System{}, nil), log, started{})
	r, err := svc.Start(t.Context(), "ops", false)
	storesuite.Must(t, err)
	state, err := svc.Build(t.Context(), r.Generation)
	if err != nil || state != reporting.Switched {
		t.Fatalf("built: %s, %v", state, err)
	}
	if more, err := svc.RemoveOld(t.Context()); err != nil || more {
		t.Errorf("removed: %t, %v", more, err)
	}
}

type started struct{}

func (started) Run(context.Context, reporting.Rebuild) error { return nil }

func euros(cents int64) money.Money { return money.Money{Currency: "EUR", Amount: cents} }

func put(t testing.TB, log *memory.Log, eventType, orderID string, version int64, data any) {
	t.Helper()
	b, err := json.Marshal(data)
	storesuite.Must(t, err)
	m, err := reporting.MessageOf(t.Context(), envelope.Event{
		SpecVersion: "1.0", ID: fmt.Sprint(orderID, version), Source: "orderflow/test", Type: eventType,
		Subject: orderID, Time: storesuite.Start.Add(time.Duration(version) * time.Second),
		DataContentType: "application/json", Data: b, AggregateVersion: version,
	})
	storesuite.Must(t, err)
	storesuite.Must(t, errors.Join(log.Append(t.Context(), []reporting.Message{m})...))
}

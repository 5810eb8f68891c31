package reporting_test

import (
	"context"
	"fmt"
	"testing"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

// BenchmarkRebuild rebuilds the reports of 10,000 orders with 30,000 events over the memory store:
// what the projection itself costs.
func BenchmarkRebuild(b *testing.B) {
	const placed = 10_000
	f := newFixture(b)
	f.clock = clock.At(day)
	for n := range placed {
		id := fmt.Sprintf("O%05d", n)
		lines := []orders.Item{item(fmt.Sprint("SKU", n%200), 1+n%3, 1999), item("PEN", 1, 100)}
		end := ended(orders.OrderConfirmed, id, "", 2099, int64(n))
		if n%10 == 0 {
			end = ended(orders.OrderRejected, id, "DECLINED", 2099, int64(n))
		}
		f.append([]envelope.Event{created(id, lines...), end, refunded(id, 4, 100, int64(n))}...)
	}
	b.ResetTimer()
	for b.Loop() {
		f.store = memory.New(f.clock)
		f.Rebuilds = f.over(f.store)
		f.rebuild()
	}
	b.ReportMetric(3*placed*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// costs counts the requests to a store.
type costs struct {
	reporting.Store
	reads, writes, items int
}

func (c *costs) Generations(ctx context.Context) (reporting.Generations, error) {
	c.reads++
	return c.Store.Generations(ctx)
}

func (c *costs) Progress(
	ctx context.Context, generation int64, of reporting.Source,
) (reporting.Progress, error) {
	c.reads++
	return c.Store.Progress(ctx, generation, of)
}

func (c *costs) Facts(
	ctx context.Context, generation int64, orderIDs []string,
) (map[string]reporting.Facts, error) {
	c.reads++
	return c.Store.Facts(ctx, generation, orderIDs)
}

func (c *costs) Apply(ctx context.Context, w reporting.Write) error {
	c.writes++
	c.items += 1 + len(w.Facts) + len(w.Rows) + len(w.Parked)
	return c.Store.Apply(ctx, w)
}

// TestBatchCostsFewReadsAndWrites keeps the figures of ADR 52.
func TestBatchCostsFewReadsAndWrites(t *testing.T) {
	store := &costs{Store: memory.New(clock.At(day))}
	s := reporting.New(store, clock.At(day), nil)
	var events []envelope.Event
	for n := range 250 {
		id := fmt.Sprintf("O%03d", n)
		events = append(events, created(id, item("MUG", 1, 5)), ended(orders.OrderConfirmed, id, "", 5, 1))
	}
	batch := records(t, 0, events...)
	project(t, s, batch)
	// The generations, the offset, and the facts of 250 orders by 100. Each transaction has the
	// offset, the rows that all orders share, and the facts of as many orders as fit.
	if store.reads != 5 || store.writes != 3 || store.items != 3*(1+5)+250 {
		t.Errorf("500 records cost %d reads and %d transactions with %d items", store.reads, store.writes, store.items)
	}
	*store = costs{Store: store.Store}
	project(t, s, batch)
	if store.reads != 2 || store.writes != 0 {
		t.Errorf("repeated, they cost %d reads and %d transactions", store.reads, store.writes)
	}
}

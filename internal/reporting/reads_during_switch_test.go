package reporting_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
)

// between does something once, before the store's next rows or parked records are read.
type between struct {
	reporting.Store
	do func()
}

func (b *between) once() {
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
}

func (b *between) ReadRows(
	ctx context.Context, generation int64, r reporting.Range, after reporting.RowID, most int,
) ([]reporting.Row, error) {
	b.once()
	return b.Store.ReadRows(ctx, generation, r, after, most)
}

func (b *between) ReadParked(
	ctx context.Context, generation int64, limit int, cursor string,
) ([]reporting.Parked, string, error) {
	b.once()
	return b.Store.ReadParked(ctx, generation, limit, cursor)
}

// sold returns a fixture whose log and reports have an order of two products, and a poison record.
func sold(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.append(created("A", item("MUG", 2, 5), item("TEA", 1, 3)), ended(orders.OrderConfirmed, "A", "", 13, 1))
	for _, err := range f.log.Append(t.Context(), []reporting.Message{{Topic: topics[0], Value: []byte("poison")}}) {
		f.must(err)
	}
	f.deliver(f.Service, 0)
	return f
}

func TestAReportReadDuringASwitchIsNotEmpty(t *testing.T) {
	f := sold(t)
	for _, total := range []bool{false, true} {
		store := &between{f.store, func() { f.rebuild() }}
		was := f.generations().Serving
		page, err := f.over(store).ReadReport(t.Context(), reporting.Query{
			Report: reporting.Products, Total: total, Limit: 9,
		})
		if err != nil || len(page.Rows) != 2 || page.Generation != was+1 {
			t.Errorf("total %v: generation %d answers with %v, %v", total, page.Generation, page.Rows, err)
		}
	}
	store := &between{f.store, func() { f.rebuild() }}
	if parked, _, err := f.over(store).ParkedRecords(t.Context(), 9, ""); err != nil || len(parked) != 1 {
		t.Errorf("parked records: %v, %v", parked, err)
	}
}

// Else a reader would take what it read for complete, although records before it are missing.
func TestAReportReadDuringALossSaysSo(t *testing.T) {
	f := sold(t)
	store := &between{f.store, func() {
		g := f.generations()
		g.Since = day
		g.Version++
		f.must(f.store.SaveGenerations(t.Context(), g))
	}}
	page, err := f.over(store).ReadReport(t.Context(), reporting.Query{Report: reporting.Products, Limit: 9})
	if err != nil || !page.Since.Equal(day) {
		t.Errorf("complete since %s, %v", page.Since, err)
	}
}

func TestPagesAreOfOneGeneration(t *testing.T) {
	f := sold(t)
	for _, total := range []bool{false, true} {
		q := reporting.Query{Report: reporting.Products, Total: total, Limit: 1}
		page, err := f.ReadReport(t.Context(), q)
		if err != nil || page.Cursor == "" {
			t.Fatalf("%+v, %v", page, err)
		}
		f.rebuild()
		q.Cursor = page.Cursor
		_, err = f.ReadReport(t.Context(), q)
		if !errors.Is(err, fault.ErrCursor) || !strings.Contains(err.Error(), "start again") {
			t.Errorf("total %v: the next page after a rebuild: %v", total, err)
		}
	}
}

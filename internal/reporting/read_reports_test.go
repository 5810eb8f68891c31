package reporting_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
)

// with returns the use cases over a store that has rows.
func with(t *testing.T, rows reporting.Rows) *reporting.Service {
	t.Helper()
	svc, store := open()
	if err := store.Apply(t.Context(), reporting.Write{Generation: 1, Source: source, To: 1, Rows: rows}); err != nil {
		t.Fatal(err)
	}
	return svc
}

// readAll reads all pages of a report.
func readAll(t *testing.T, svc *reporting.Service, q reporting.Query) (all []reporting.Row) {
	t.Helper()
	for range 100 {
		page, err := svc.ReadReport(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) > q.Limit {
			t.Fatalf("%d rows, want at most %d", len(page.Rows), q.Limit)
		}
		all = append(all, page.Rows...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return all
		}
		if len(page.Rows) < q.Limit {
			t.Fatalf("a page has %d rows and is not the last", len(page.Rows))
		}
	}
	t.Fatal("there is always another page")
	return nil
}

// week has sales in two currencies on the days 22 to 28 of November.
func week() reporting.Rows {
	rows := reporting.Rows{}
	for d := 22; d <= 28; d++ {
		for i, currency := range []string{"EUR", "USD"} {
			rows.Add(reporting.Sales, fmt.Sprintf("2026-11-%d", d), currency, reporting.Orders, int64(d+i))
			rows.Add(reporting.Sales, fmt.Sprintf("2026-11-%d", d), currency, reporting.Revenue, 100)
		}
		rows.Add(reporting.Products, fmt.Sprintf("2026-11-%d", d), "EUR#MUG", reporting.Units, 1)
		rows.Add(reporting.Products, fmt.Sprintf("2026-11-%d", d), "EUR#TEA", reporting.Units, int64(d-20))
	}
	return rows
}

func TestDaysOfAPeriodAreReadInPages(t *testing.T) {
	svc := with(t, week())
	for limit := 1; limit <= 7; limit++ {
		got := readAll(t, svc, reporting.Query{
			Report: reporting.Sales, From: "2026-11-23", To: "2026-11-25", Limit: limit,
		})
		var names []string
		for _, r := range got {
			names = append(names, r.Day+r.Of)
		}
		want := []string{
			"2026-11-23EUR", "2026-11-23USD", "2026-11-24EUR", "2026-11-24USD", "2026-11-25EUR", "2026-11-25USD",
		}
		if !reflect.DeepEqual(names, want) {
			t.Errorf("pages of %d: %v", limit, names)
		}
	}
}

func TestTotalsAddUpTheDaysBestSellersFirst(t *testing.T) {
	svc := with(t, week())
	for limit := 1; limit <= 3; limit++ {
		got := readAll(t, svc, reporting.Query{Report: reporting.Products, Total: true, Limit: limit})
		want := []reporting.Row{
			{reporting.RowID{Report: reporting.Products, Of: "EUR#TEA"}, reporting.Amounts{"units": 35}},
			{reporting.RowID{Report: reporting.Products, Of: "EUR#MUG"}, reporting.Amounts{"units": 7}},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("pages of %d: %v", limit, got)
		}
	}
	got := readAll(t, svc, reporting.Query{
		Report: reporting.Sales, From: "2026-11-22", To: "2026-11-22", Total: true, Limit: 9,
	})
	if len(got) != 2 || got[0].Of != "USD" || got[0].Amounts["orders"] != 23 || got[0].Amounts["revenue"] != 100 {
		t.Errorf("a day in total: %v", got)
	}
}

// While a total is read, orders come in, and products change places.
func TestNoProductIsOnTwoPagesOfATotal(t *testing.T) {
	svc, _ := open()
	next := int64(0)
	sell := func(sku string, pieces int) {
		id := fmt.Sprint("O", next)
		order := created(id, item(sku, pieces, 1))
		project(t, svc, records(t, next, order, ended(orders.OrderConfirmed, id, "", int64(pieces), 1)))
		next += 2
	}
	for sku, pieces := range map[string]int{"MUG": 9, "PEN": 8, "TEA": 7, "JAM": 6, "CUP": 5} {
		sell(sku, pieces)
	}
	q := reporting.Query{Report: reporting.Products, Total: true, Limit: 2}
	var listed []string
	for n := 0; n == 0 || q.Cursor != ""; n++ {
		page, err := svc.ReadReport(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			listed = append(listed, r.Of)
		}
		if n == 0 {
			sell("JAM", 5) // overtakes the end of the first page
			sell("CUP", 2) // overtakes tea, which loses in the order of their names
			sell("PEN", 3) // leads
		}
		q.Cursor = page.Cursor
	}
	if want := []string{"EUR#MUG", "EUR#PEN", "EUR#CUP", "EUR#TEA"}; !reflect.DeepEqual(listed, want) {
		t.Errorf("listed %q, want %q", listed, want)
	}
}

// A partition that is behind must not hide behind others.
func TestReportsAreAsOfThePartitionThatIsBehind(t *testing.T) {
	svc, store := open()
	q := reporting.Query{Report: reporting.Sales, Limit: 10}
	want := func(asOf, newest time.Time) {
		t.Helper()
		for _, q.Total = range []bool{false, true} {
			page, err := svc.ReadReport(t.Context(), q)
			if err != nil || !page.AsOf.Equal(asOf) || !page.Newest.Equal(newest) {
				t.Errorf("as of %s, newest %s, %v", page.AsOf, page.Newest, err)
			}
		}
	}
	want(time.Time{}, time.Time{})
	project(t, svc, records(t, 0, created("A", item("MUG", 1, 1)), created("B", item("MUG", 1, 1))))
	want(day, day)
	payments := reporting.Source{Topic: topics[1]}
	for _, at := range []time.Time{day.Add(time.Hour), day.Add(-time.Hour)} {
		payments.Partition++
		w := reporting.Write{Generation: 1, Source: payments, To: 1, At: at}
		if err := store.Apply(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	want(day.Add(-time.Hour), day.Add(time.Hour))
	payments.Partition++ // all that it had has left the log
	if err := store.Apply(t.Context(), reporting.Write{Generation: 1, Source: payments, To: 1}); err != nil {
		t.Fatal(err)
	}
	want(time.Time{}, day.Add(time.Hour))
}

func TestPeriodIsThirtyDaysUpToToday(t *testing.T) {
	page, err := with(t, week()).ReadReport(t.Context(), reporting.Query{Report: reporting.Sales, Limit: 100})
	if err != nil || page.From != "2026-10-30" || page.To != "2026-11-28" || len(page.Rows) != 14 ||
		page.Generation != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestPeriodsHaveLimits(t *testing.T) {
	svc := with(t, nil)
	for _, c := range []struct {
		from, to string
		refused  bool
	}{
		{"2025-10-25", "2026-11-28", false}, // 400 days
		{"2025-10-24", "2026-11-28", true},
		{"2026-11-28", "2026-11-28", false},
		{"2026-11-29", "2026-11-28", true},
		{"2026-11-29", "", true},
		{"2026-02-30", "2026-03-02", true},
		{"2026-02-01", "2026-02-29", true},
	} {
		q := reporting.Query{Report: reporting.Sales, From: c.from, To: c.to, Limit: 1}
		_, err := svc.ReadReport(t.Context(), q)
		if refused := errors.Is(err, reporting.ErrPeriod); refused != c.refused || err != nil && !refused {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
}

func TestCursorsBelongToTheirReportAndPeriod(t *testing.T) {
	svc := with(t, week())
	q := reporting.Query{Report: reporting.Sales, From: "2026-11-22", To: "2026-11-28", Limit: 3}
	page, err := svc.ReadReport(t.Context(), q)
	if err != nil || page.Cursor == "" {
		t.Fatal(page.Cursor, err)
	}
	own := q
	own.Cursor = page.Cursor
	if other, err := svc.ReadReport(t.Context(), own); err != nil || len(other.Rows) != 3 {
		t.Errorf("%+v, %v", other, err)
	}
	for name, change := range map[string]func(*reporting.Query){
		"another report": func(q *reporting.Query) { q.Report = reporting.Products },
		"another period": func(q *reporting.Query) { q.From = "2026-11-21" },
		"in total":       func(q *reporting.Query) { q.Total = true },
		"no cursor":      func(q *reporting.Query) { q.Cursor = "e30" },
		"no base64":      func(q *reporting.Query) { q.Cursor = "===" },
		"no position": func(q *reporting.Query) {
			q.Total = true
			q.Cursor = base64.RawURLEncoding.EncodeToString(
				[]byte(`{"query":"sales/2026-11-22/2026-11-28/total","position":{"place":2}}`))
		},
	} {
		other := own
		change(&other)
		if _, err := svc.ReadReport(t.Context(), other); !errors.Is(err, fault.ErrCursor) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// endless has ever more rows.
type endless struct{ *memory.Store }

func (endless) ReadRows(
	_ context.Context, _ int64, r reporting.Range, _ reporting.RowID, most int,
) (all []reporting.Row, err error) {
	for range most {
		all = append(all, reporting.Row{
			RowID: reporting.RowID{Report: r.Report, Day: r.To, Of: "EUR#MUG"}, Amounts: reporting.Amounts{"units": 1},
		})
	}
	return all, nil
}

func TestTotalsOfTooManyRowsAreRefused(t *testing.T) {
	c := clock.At(day)
	svc := reporting.New(endless{memory.New(c)}, c, nil)
	_, err := svc.ReadReport(t.Context(), reporting.Query{Report: reporting.Products, Total: true, Limit: 1})
	if !errors.Is(err, reporting.ErrTooMany) || fault.KindOf(err) != fault.Refused {
		t.Error(err)
	}
}

func TestParkedRecordsAreListedNewestFirst(t *testing.T) {
	svc, store := open()
	var parked []reporting.Parked
	for i := range 90 {
		parked = append(parked, reporting.Parked{
			Source: source, Offset: int64(i), Reason: "MalformedEvent", At: day.AddDate(0, 0, i),
		})
	}
	w := reporting.Write{Generation: 1, Source: source, To: 90, Parked: parked}
	if err := store.Apply(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	got, cursor, err := svc.ParkedRecords(t.Context(), 70, "")
	if err != nil || len(got) != 70 || got[0].Offset != 89 || got[69].Offset != 20 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	got, cursor, err = svc.ParkedRecords(t.Context(), 70, cursor)
	if err != nil || len(got) != 20 || got[0].Offset != 19 || cursor != "" {
		t.Errorf("%d more records, %v", len(got), err)
	}
}

// Package storetest is the suite that every reporting store passes.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/reporting"
)

// Suite is what every reporting store has to pass.
var Suite = storesuite.Suite[reporting.Store]{
	Cases: []func(*testing.T, reporting.Store){
		generationsComeBackAsSaved, onlyTheNextVersionOfGenerationsIsSaved, writeComesBackAsWritten,
		writeFromAnotherOffsetChangesNothing, writeOverOtherFactsChangesNothing, zeroAmountsAreLeftOut,
		rowsAreSelectedByDay, rowsArePaged, switchClosesTheGeneration, switchFailsIfTheOtherGenerationReadOn,
		switchFailsIfItDidNotSeeASource, newSourceOfAGenerationThatDoesNotServeIsRefused, generationsAreKeptApart,
		removedGenerationStaysClosed, concurrentWritesOfOneBatchCountOnce, largestWriteFits, largerWriteIsRefused,
		largestSwitchFits, parkedRecordsArePagedNewestFirst, newlyParkedRecordsDoNotMovePages,
		cursorOfAnotherGenerationIsRefused,
	},
	Kinds: map[string]storesuite.Kind[reporting.Store]{"Generations": {
		Write: func(t *testing.T, s reporting.Store) { must(t, s.SaveGenerations(t.Context(), rebuilding(1))) },
		Rewrite: func(t *testing.T, s reporting.Store) {
			must(t, s.SaveGenerations(t.Context(), rebuilding(2)))
			must(t, s.Switch(t.Context(), switched(3), 1, nil))
		},
	}},
}

// Kinds are the other kinds of items, for stores whose items have attributes.
var Kinds = storesuite.Suite[reporting.Store]{Kinds: map[string]storesuite.Kind[reporting.Store]{"Write": {
	Write: func(t *testing.T, s reporting.Store) { must(t, s.Apply(t.Context(), first)) },
	Rewrite: func(t *testing.T, s reporting.Store) {
		must(t, s.Apply(t.Context(), second))
		must(t, s.SaveGenerations(t.Context(), rebuilding(2)))
		must(t, s.Switch(t.Context(), switched(3), 1, []reporting.Progress{{Source: source, Next: second.To}}))
	},
}}}

var (
	must   = storesuite.Must
	start  = storesuite.Start
	source = reporting.Source{Topic: "orderflow.orders.events", Partition: 2}
	other  = reporting.Source{Topic: "orderflow.orders.events", Partition: 1}
	tea    = reporting.RowID{Report: reporting.Products, Day: "2026-01-02", Of: "EUR#TEA"}
	sales  = reporting.RowID{Report: reporting.Sales, Day: "2026-01-02", Of: "EUR"}
)

var first = reporting.Write{
	Generation: 1, Source: source, From: 0, To: 12, At: start,
	Facts: []reporting.Facts{
		{
			OrderID: "A", Version: 1,
			Placed: &reporting.Placed{
				At: start, Lines: []reporting.Line{{SKU: "TEA", Quantity: 2, UnitPrice: euros(250)}},
			},
		},
		{OrderID: "B", Version: 1, Refunds: []reporting.Refund{{Version: 3, At: start, Sum: euros(7)}}},
	},
	Rows: reporting.Rows{
		sales: {reporting.Orders: 1, reporting.Revenue: 500}, tea: {reporting.Units: 2},
		{Report: reporting.Latency, Day: "2026-01-02"}: {"-3": 1, "12": 2},
	},
	Parked: []reporting.Parked{{Source: source, Offset: 9, Reason: "Unintelligible", At: start}},
}

var second = reporting.Write{
	Generation: 1, Source: source, From: 12, To: 14, At: start.Add(time.Minute),
	Facts: []reporting.Facts{{
		OrderID: "A", Version: 2, Placed: first.Facts[0].Placed,
		Ended: &reporting.Ended{At: start.Add(time.Second), Status: reporting.Rejected, Reason: "DECLINED",
			Total: euros(500)},
		Refunds: []reporting.Refund{
			{Version: 3, At: start, Sum: euros(1)}, {Version: 5, At: start.Add(time.Hour), Sum: euros(500)},
		},
	}},
	Rows:   reporting.Rows{sales: {reporting.Revenue: -100, reporting.Refunds: 3}},
	Parked: []reporting.Parked{{Source: source, Offset: 12, Reason: "Unintelligible", At: start}},
}

func euros(cents int64) money.Money { return money.Money{Currency: "EUR", Amount: cents} }

func rebuilding(version int64) reporting.Generations {
	return reporting.Generations{Serving: 1, Version: version, Since: start, Anew: start, Rebuild: &reporting.Rebuild{
		Generation: 2, Run: 3, State: reporting.Building, By: "ops", StartedAt: start,
		UpdatedAt: start.Add(time.Minute), Read: 10, Total: 20, Since: start,
	}}
}

func switched(version int64) reporting.Generations {
	return reporting.Generations{Serving: 2, Removed: 1, Version: version, Rebuild: &reporting.Rebuild{
		Generation: 2, State: reporting.Switched, By: "ops", StartedAt: start, UpdatedAt: start.Add(time.Hour),
	}}
}

func wantGenerations(t *testing.T, s reporting.Store, want reporting.Generations) {
	t.Helper()
	if got, err := s.Generations(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Generations: %v, %s", err, cmp.Diff(want, got))
	}
}

func wantProgress(t *testing.T, s reporting.Store, generation int64, want reporting.Progress) {
	t.Helper()
	if got, err := s.Progress(t.Context(), generation, want.Source); err != nil || got != want {
		t.Errorf("Progress: %+v, %v; want %+v", got, err, want)
	}
}

func wantFacts(t *testing.T, s reporting.Store, generation int64, want ...reporting.Facts) {
	t.Helper()
	byID := map[string]reporting.Facts{}
	for _, f := range want {
		byID[f.OrderID] = f
	}
	got, err := s.Facts(t.Context(), generation, []string{"B", "none", "A"})
	if err != nil || !reflect.DeepEqual(got, byID) {
		t.Errorf("Facts: %v, %s", err, cmp.Diff(byID, got))
	}
}

// rows returns the rows of all reports of a generation.
func rows(t *testing.T, s reporting.Store, generation int64) reporting.Rows {
	t.Helper()
	all := reporting.Rows{}
	for _, report := range []reporting.Report{reporting.Sales, reporting.Products, reporting.Funnel,
		reporting.Latency} {
		r := reporting.Range{Report: report, From: "2025-01-01", To: "2027-01-01"}
		found, err := s.ReadRows(t.Context(), generation, r, reporting.RowID{}, 1000)
		must(t, err)
		for _, row := range found {
			all[row.RowID] = row.Amounts
		}
	}
	return all
}

func wantRows(t *testing.T, s reporting.Store, generation int64, want reporting.Rows) {
	t.Helper()
	if got := rows(t, s, generation); !reflect.DeepEqual(got, want) {
		t.Errorf("Rows: %s", cmp.Diff(want, got))
	}
}

func wantParked(t *testing.T, s reporting.Store, generation int64, want ...reporting.Parked) {
	t.Helper()
	got, _, err := s.ReadParked(t.Context(), generation, 100, "")
	if err != nil || len(got) != len(want) || (len(want) > 0 && !reflect.DeepEqual(got, want)) {
		t.Errorf("Parked: %v, %s", err, cmp.Diff(want, got))
	}
}

func generationsComeBackAsSaved(t *testing.T, s reporting.Store) {
	wantGenerations(t, s, reporting.Generations{Serving: 1})
	for _, g := range []reporting.Generations{rebuilding(1), {Serving: 1, Version: 2}, rebuilding(3)} {
		must(t, s.SaveGenerations(t.Context(), g))
		wantGenerations(t, s, g)
	}
}

func onlyTheNextVersionOfGenerationsIsSaved(t *testing.T, s reporting.Store) {
	must(t, s.SaveGenerations(t.Context(), rebuilding(1)))
	for _, version := range []int64{0, 1, 3} {
		g := rebuilding(version)
		g.Rebuild.By = "another"
		if err := s.SaveGenerations(t.Context(), g); !errors.Is(err, reporting.ErrOvertaken) {
			t.Errorf("version %d over 1: %v", version, err)
		}
		if err := s.Switch(t.Context(), g, 1, nil); !errors.Is(err, reporting.ErrOvertaken) {
			t.Errorf("switch to version %d over 1: %v", version, err)
		}
	}
	wantGenerations(t, s, rebuilding(1))
}

func writeComesBackAsWritten(t *testing.T, s reporting.Store) {
	wantProgress(t, s, 1, reporting.Progress{Source: source})
	must(t, s.Apply(t.Context(), first))
	wantProgress(t, s, 1, reporting.Progress{Source: source, Next: 12, At: start})
	wantGenerations(t, s, reporting.Generations{Serving: 1, Version: 1})
	wantFacts(t, s, 1, first.Facts...)
	wantRows(t, s, 1, first.Rows)
	wantParked(t, s, 1, first.Parked...)
	must(t, s.Apply(t.Context(), second))
	wantSecond(t, s)
}

func wantSecond(t *testing.T, s reporting.Store) {
	t.Helper()
	wantProgress(t, s, 1, reporting.Progress{Source: source, Next: 14, At: second.At})
	wantFacts(t, s, 1, second.Facts[0], first.Facts[1])
	sum := reporting.Rows{}
	for _, w := range []reporting.Write{first, second} {
		for id, amounts := range w.Rows {
			for name, n := range amounts {
				sum.Add(id.Report, id.Day, id.Of, name, n)
			}
		}
	}
	wantRows(t, s, 1, sum)
	wantParked(t, s, 1, second.Parked[0], first.Parked[0])
}

func writeFromAnotherOffsetChangesNothing(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	must(t, s.Apply(t.Context(), second))
	for _, from := range []int64{0, 12, 13, 15} {
		w := reporting.Write{Generation: 1, Source: source, From: from, To: 20, Rows: first.Rows,
			Parked: []reporting.Parked{
				{Source: source, Offset: 19, Reason: "late", At: start},
			}}
		if err := s.Apply(t.Context(), w); !errors.Is(err, reporting.ErrOvertaken) {
			t.Errorf("from offset %d: %v", from, err)
		}
	}
	wantSecond(t, s)
}

func writeOverOtherFactsChangesNothing(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	must(t, s.Apply(t.Context(), second))
	for _, version := range []int64{1, 2, 4} {
		w := reporting.Write{
			Generation: 1, Source: source, From: 14, To: 20, Rows: first.Rows,
			Facts: []reporting.Facts{{OrderID: "A", Version: version}},
		}
		if err := s.Apply(t.Context(), w); !errors.Is(err, reporting.ErrOvertaken) {
			t.Errorf("version %d over 2: %v", version, err)
		}
	}
	wantSecond(t, s)
}

func zeroAmountsAreLeftOut(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	w := reporting.Write{Generation: 1, Source: source, From: 12, To: 13, Rows: reporting.Rows{
		sales: {reporting.Orders: -1}, tea: {reporting.Units: -2},
	}}
	must(t, s.Apply(t.Context(), w))
	wantRows(t, s, 1, reporting.Rows{
		sales: {reporting.Revenue: 500}, {Report: reporting.Latency, Day: "2026-01-02"}: {"-3": 1, "12": 2},
	})
}

// manyRows writes a row of three products on each of some days.
func manyRows(t *testing.T, s reporting.Store) (all []reporting.RowID) {
	t.Helper()
	w := reporting.Write{Generation: 1, Source: source, To: 1, Rows: reporting.Rows{}}
	for _, day := range []string{"2026-01-31", "2026-02-01", "2026-02-02"} {
		for _, of := range []string{"CHF#A", "EUR#A", "EUR#A-1"} {
			w.Rows.Add(reporting.Products, day, of, reporting.Units, 1)
			all = append(all, reporting.RowID{Report: reporting.Products, Day: day, Of: of})
		}
	}
	w.Rows.Add(reporting.Sales, "2026-02-01", "EUR", reporting.Units, 3)
	must(t, s.Apply(t.Context(), w))
	return all
}

func ids(found []reporting.Row) (all []reporting.RowID) {
	for _, row := range found {
		all = append(all, row.RowID)
	}
	return all
}

func rowsAreSelectedByDay(t *testing.T, s reporting.Store) {
	all := manyRows(t, s)
	for days, want := range map[[2]string][]reporting.RowID{
		{"2026-01-31", "2026-02-02"}: all, {"2026-02-01", "2026-02-01"}: all[3:6],
		{"2026-02-02", "2027-01-01"}: all[6:],
		{"2026-02-03", "2027-01-01"}: nil, {"2026-02-02", "2026-02-01"}: nil,
	} {
		r := reporting.Range{Report: reporting.Products, From: days[0], To: days[1]}
		found, err := s.ReadRows(t.Context(), 1, r, reporting.RowID{}, 100)
		if got := ids(found); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("from %s to %s: %v, %s", days[0], days[1], err, cmp.Diff(want, got))
		}
	}
}

func rowsArePaged(t *testing.T, s reporting.Store) {
	all := manyRows(t, s)
	var got []reporting.RowID
	var after reporting.RowID
	for len(got) < len(all) {
		r := reporting.Range{Report: reporting.Products, From: "2026-01-01", To: "2026-12-31"}
		found, err := s.ReadRows(t.Context(), 1, r, after, 2)
		if err != nil || len(found) == 0 || len(found) > 2 {
			t.Fatalf("after %v: %d rows, %v", after, len(found), err)
		}
		got = append(got, ids(found)...)
		after = got[len(got)-1]
	}
	if !reflect.DeepEqual(got, all) {
		t.Error(cmp.Diff(all, got))
	}
}

func switchClosesTheGeneration(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	must(t, s.SaveGenerations(t.Context(), rebuilding(2)))
	must(t, s.Switch(t.Context(), switched(3), 1, []reporting.Progress{{Source: source, Next: 12}}))
	wantGenerations(t, s, switched(3))
	wantProgress(t, s, 1, reporting.Progress{Source: source, Next: 12, Closed: true})
	late := second
	if err := s.Apply(t.Context(), late); !errors.Is(err, reporting.ErrClosed) {
		t.Errorf("a late write: %v", err)
	}
	late.Source, late.From = other, 0
	if err := s.Apply(t.Context(), late); !errors.Is(err, reporting.ErrClosed) {
		t.Errorf("a late first write: %v", err)
	}
	wantRows(t, s, 1, first.Rows)
}

func switchFailsIfTheOtherGenerationReadOn(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	must(t, s.SaveGenerations(t.Context(), rebuilding(2)))
	for _, seen := range []reporting.Progress{{Source: source, Next: 11}, {Source: source}, {Source: other, Next: 1}} {
		both := []reporting.Progress{seen, {Source: reporting.Source{Topic: "orderflow.payments.events"}}}
		if err := s.Switch(t.Context(), switched(3), 1, both); !errors.Is(err, reporting.ErrOvertaken) {
			t.Errorf("seen %+v: %v", seen, err)
		}
	}
	wantGenerations(t, s, rebuilding(2))
	must(t, s.Apply(t.Context(), second))
}

// switchFailsIfItDidNotSeeASource: a partition is added while the switch is decided.
func switchFailsIfItDidNotSeeASource(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	must(t, s.SaveGenerations(t.Context(), rebuilding(2)))
	seen, err := s.Sources(t.Context(), 1)
	want := []reporting.Progress{{Source: source, Next: 12, At: start}}
	if err != nil || !reflect.DeepEqual(seen, want) {
		t.Errorf("Sources: %+v, %v", seen, err)
	}
	must(t, s.Apply(t.Context(), reporting.Write{Generation: 1, Source: other, To: 1, Rows: first.Rows}))
	if err := s.Switch(t.Context(), switched(3), 1, seen); !errors.Is(err, reporting.ErrOvertaken) {
		t.Errorf("it has seen %+v: %v", seen, err)
	}
	seen, err = s.Sources(t.Context(), 1)
	want = []reporting.Progress{{Source: other, Next: 1}, {Source: source, Next: 12, At: start}}
	if err != nil || !reflect.DeepEqual(seen, want) {
		t.Errorf("Sources: %+v, %v", seen, err)
	}
	must(t, s.Switch(t.Context(), switched(4), 1, seen))
}

// newSourceOfAGenerationThatDoesNotServeIsRefused: a partition that is added while generations are
// switched has no progress that could be closed.
func newSourceOfAGenerationThatDoesNotServeIsRefused(t *testing.T, s reporting.Store) {
	w := reporting.Write{Generation: 2, Source: source, To: 1, Rows: first.Rows}
	if err := s.Apply(t.Context(), w); !errors.Is(err, reporting.ErrClosed) {
		t.Errorf("before the rebuild: %v", err)
	}
	must(t, s.SaveGenerations(t.Context(), rebuilding(1)))
	must(t, s.Apply(t.Context(), w))
	must(t, s.Switch(t.Context(), switched(3), 1, nil))
	w.Source = other
	must(t, s.Apply(t.Context(), w))
	w.Generation = 1
	if err := s.Apply(t.Context(), w); !errors.Is(err, reporting.ErrClosed) {
		t.Errorf("after the switch: %v", err)
	}
	wantRows(t, s, 1, reporting.Rows{})
}

// parkedOf returns records that were parked one after the other, the newest first. The first two
// were parked at the same time.
func parkedOf(t *testing.T, s reporting.Store, generation int64) (all []reporting.Parked) {
	t.Helper()
	w := reporting.Write{Generation: generation, Source: source, To: 1}
	for i := range 7 {
		of := source
		if i%2 == 1 {
			of = other
		}
		at := start.Add(time.Duration(max(i, 1)) * time.Millisecond)
		p := reporting.Parked{Source: of, Offset: int64(100 - i), Reason: "Unintelligible", At: at}
		w.Parked = append(w.Parked, p)
	}
	must(t, s.Apply(t.Context(), w))
	all = slices.Clone(w.Parked)
	all[0], all[1] = all[1], all[0] // of the lower partition
	slices.Reverse(all)
	return all
}

func parkedRecordsArePagedNewestFirst(t *testing.T, s reporting.Store) {
	want := parkedOf(t, s, 1)
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []reporting.Parked
		for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
			page, next, err := s.ReadParked(t.Context(), 1, limit, cursor)
			if err != nil || len(page) > limit || n > len(want) {
				t.Fatalf("page %d of %d: %d records, %v", n, limit, len(page), err)
			}
			got, cursor = append(got, page...), next
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("pages of %d: %s", limit, cmp.Diff(want, got))
		}
	}
}

func newlyParkedRecordsDoNotMovePages(t *testing.T, s reporting.Store) {
	want := parkedOf(t, s, 1)
	_, cursor, err := s.ReadParked(t.Context(), 1, 3, "")
	must(t, err)
	late := reporting.Parked{Source: source, Offset: 200, Reason: "Unintelligible", At: start.Add(time.Hour)}
	must(t, s.Apply(t.Context(), reporting.Write{
		Generation: 1, Source: source, From: 1, To: 2, Parked: []reporting.Parked{late},
	}))
	page, _, err := s.ReadParked(t.Context(), 1, 2, cursor)
	if err != nil || !reflect.DeepEqual(page, want[3:5]) {
		t.Errorf("second page: %v, %s", err, cmp.Diff(want[3:5], page))
	}
}

func cursorOfAnotherGenerationIsRefused(t *testing.T, s reporting.Store) {
	parkedOf(t, s, 1)
	_, cursor, err := s.ReadParked(t.Context(), 1, 2, "")
	if err != nil || cursor == "" {
		t.Fatalf("cursor %q, %v", cursor, err)
	}
	for _, c := range []string{"e30", "===", "bm9uZQ"} {
		if _, _, err := s.ReadParked(t.Context(), 1, 2, c); !errors.Is(err, fault.ErrCursor) {
			t.Errorf("%s: %v", c, err)
		}
	}
	if _, _, err := s.ReadParked(t.Context(), 2, 2, cursor); !errors.Is(err, fault.ErrCursor) {
		t.Errorf("generation 1's cursor for 2: %v", err)
	}
}

func generationsAreKeptApart(t *testing.T, s reporting.Store) {
	must(t, s.SaveGenerations(t.Context(), rebuilding(1)))
	must(t, s.Apply(t.Context(), first))
	w := reporting.Write{Generation: 2, Source: source, To: 3, Rows: reporting.Rows{sales: {reporting.Orders: 5}}}
	must(t, s.Apply(t.Context(), w))
	wantRows(t, s, 1, first.Rows)
	wantRows(t, s, 2, w.Rows)
	wantFacts(t, s, 2)
	wantParked(t, s, 2)
	wantProgress(t, s, 1, reporting.Progress{Source: source, Next: 12, At: start})
}

func removedGenerationStaysClosed(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	must(t, s.SaveGenerations(t.Context(), rebuilding(2)))
	many := reporting.Write{Generation: 1, Source: source, From: 12, To: 13}
	for ; many.From < 14; many.From, many.To = many.From+1, many.To+1 {
		many.Rows = reporting.Rows{}
		for n := range 60 {
			of := fmt.Sprint("REJECTED#", many.From, n)
			many.Rows.Add(reporting.Funnel, "2026-01-02", of, reporting.Orders, 1)
		}
		must(t, s.Apply(t.Context(), many))
	}
	kept := reporting.Write{Generation: 2, Source: source, To: 12, Rows: first.Rows, Facts: first.Facts}
	must(t, s.Apply(t.Context(), kept))
	must(t, s.Switch(t.Context(), switched(4), 1, []reporting.Progress{{Source: source, Next: 14}}))
	for more, n := true, 0; more; n++ {
		var err error
		if more, err = s.Remove(t.Context(), 1); err != nil || n > 10 {
			t.Fatalf("Remove %d: %v", n, err)
		}
	}
	wantRows(t, s, 1, reporting.Rows{})
	wantFacts(t, s, 1)
	wantParked(t, s, 1)
	wantRows(t, s, 2, first.Rows)
	wantFacts(t, s, 2, first.Facts...)
	for _, from := range []int64{0, many.From} {
		many.From = from
		if err := s.Apply(t.Context(), many); !errors.Is(err, reporting.ErrClosed) {
			t.Errorf("a write from offset %d after the removal: %v", from, err)
		}
	}
	if left, err := s.Sources(t.Context(), 1); err != nil || len(left) > 0 {
		t.Errorf("progress is left: %+v, %v", left, err)
	}
}

func concurrentWritesOfOneBatchCountOnce(t *testing.T, s reporting.Store) {
	must(t, s.Apply(t.Context(), first))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				err := s.Apply(t.Context(), second)
				if err == nil || errors.Is(err, reporting.ErrOvertaken) {
					return // busy tables are transient, too
				}
			}
		})
	}
	wg.Wait()
	wantSecond(t, s)
}

func largestWriteFits(t *testing.T, s reporting.Store) {
	w := reporting.Write{Generation: 1, Source: source, To: 1, Rows: reporting.Rows{}}
	for n := range reporting.MaxActions {
		w.Rows.Add(reporting.Products, "2026-01-02", fmt.Sprintf("EUR#%d", n), reporting.Units, 1)
	}
	must(t, s.Apply(t.Context(), w))
	wantRows(t, s, 1, w.Rows)
}

func largerWriteIsRefused(t *testing.T, s reporting.Store) {
	w := reporting.Write{Generation: 1, Source: source, To: 1, Rows: reporting.Rows{}}
	for n := range reporting.MaxActions + 1 {
		w.Rows.Add(reporting.Products, "2026-01-02", fmt.Sprintf("EUR#%d", n), reporting.Units, 1)
	}
	if err := s.Apply(t.Context(), w); !errors.Is(err, reporting.ErrUnstorable) {
		t.Errorf("%d rows: %v", len(w.Rows), err)
	}
	wantRows(t, s, 1, reporting.Rows{})
	wantProgress(t, s, 1, reporting.Progress{Source: source})
}

func largestSwitchFits(t *testing.T, s reporting.Store) {
	g := rebuilding(1)
	for n := range reporting.MaxSources {
		of := reporting.Source{Topic: "orderflow.orders.events", Partition: int32(n)}
		must(t, s.Apply(t.Context(), reporting.Write{Generation: 1, Source: of, To: 1}))
		g.Version++
	}
	must(t, s.SaveGenerations(t.Context(), g))
	seen, err := s.Sources(t.Context(), 1)
	if err != nil || len(seen) != reporting.MaxSources {
		t.Fatalf("%d sources, %v", len(seen), err)
	}
	must(t, s.Switch(t.Context(), switched(g.Version+1), 1, seen))
	wantProgress(t, s, 1, reporting.Progress{Source: seen[98].Source, Next: 1, Closed: true})
}

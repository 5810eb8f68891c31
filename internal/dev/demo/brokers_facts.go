package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/reporting"
)

// totals are the figures of the reports that the demonstration changes. placed and confirmed count
// all orders of the shop; pieces and revenue are those of one product.
type totals struct {
	placed, confirmed int
	pieces            int
	revenue           int64
	parked            int    // records
	rebuild           string // state of the last one
	generation        int64  // that serves
}

// streamFacts are the results of the demonstration.
type streamFacts struct {
	accepted   map[string]bool
	refused    []error
	troubles   []error // faults that could not be injected
	orders     []client.Order
	live       map[string][]Charge // authorized and captured charges of each order
	before     totals              // the reports before and after
	after      totals
	repeated   int // records
	unreadable int // messages of the warehouse, parked
	stock      client.Stock
	// shelf is the warehouse's own count; received is what it received.
	shelf, received int
}

// facts collects the results from the shop, the provider's ledger, the reports and the warehouse.
func (d *streams) facts(ctx context.Context) (f streamFacts, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	d.locked(func() {
		f = streamFacts{troubles: d.troubles, before: d.before, repeated: d.repeated, received: d.received,
			live: map[string][]Charge{}}
	})
	f.accepted, f.refused = d.arrivals.results()
	if f.orders, err = d.arrivals.listed(ctx); err != nil {
		return f, err
	}
	charges, err := d.Ledger(ctx, "")
	if err != nil {
		return f, err
	}
	for _, c := range charges {
		if f.accepted[c.Reference] && c.Live() {
			f.live[c.Reference] = append(f.live[c.Reference], c)
		}
	}
	var shelf struct{ OnHand int }
	_, noShelf := d.warehouse.Do(ctx, client.Call{Method: "GET", Path: "/warehouse/stock/" + d.sku}, &shelf)
	f.shelf = shelf.OnHand
	var noStock, noReports, noParked error
	f.unreadable, noParked = d.broken(ctx, f.accepted)
	f.stock, noStock = d.stock(ctx, d.sku)
	f.after, noReports = d.totals(ctx)
	return f, errors.Join(noShelf, noStock, noReports, noParked)
}

// sums are the totals of the confirmed orders.
type sums struct {
	orders, pieces int
	total          int64 // by the orders
	captured       int64 // by the provider's ledger
}

func (f streamFacts) sums() (s sums) {
	for _, order := range f.orders {
		if order.Status != client.Confirmed {
			continue
		}
		s.orders++
		s.total += order.Total.Amount
		for _, line := range order.Items {
			s.pieces += line.Quantity
		}
	}
	for _, charges := range f.live {
		for _, c := range charges {
			if c.Captured {
				s.captured += c.Amount.Amount
			}
		}
	}
	return s
}

// difference returns how many are missing in a report, and how many it counts twice.
func difference(want, got int) (lost, twice int) { return max(want-got, 0), max(got-want, 0) }

// broken returns the broken promises.
func (f streamFacts) broken() (all []error) {
	unless := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	s := f.sums()
	unless(len(f.troubles) == 0, "not every fault was injected: %w", errors.Join(f.troubles...))
	unless(f.unreadable > 0, "no message of the warehouse is parked")
	unless(len(f.refused) == 0, "%d orders were not accepted: %w", len(f.refused), errors.Join(f.refused...))
	all = append(all, unaccounted(f.accepted, f.orders)...)
	placed := len(f.accepted)
	unless(placed > 0 && s.orders == placed, "%d of %d orders are confirmed", s.orders, placed)
	unless(s.captured == s.total, "orders add up to %d cents, and the provider has captured %d", s.total, s.captured)
	unless(f.after.placed-f.before.placed == placed, "reports have %d more placed orders, not %d",
		f.after.placed-f.before.placed, placed)
	unless(f.after.confirmed-f.before.confirmed == s.orders, "reports have %d more confirmed orders, not %d",
		f.after.confirmed-f.before.confirmed, s.orders)
	unless(f.after.pieces == s.pieces, "reports have %d pieces, not %d", f.after.pieces, s.pieces)
	unless(f.after.revenue == s.total, "reports have a revenue of %d cents, not %d", f.after.revenue, s.total)
	unless(f.repeated > 0, "no record was appended again")
	unless(f.after.parked-f.before.parked == 1, "%d records are parked, not only the one that is not an event",
		f.after.parked-f.before.parked)
	unless(f.after.rebuild == string(reporting.Done) && f.after.generation == f.before.generation+1,
		"the rebuild is %q, and generation %d serves, after %d", f.after.rebuild, f.after.generation,
		f.before.generation)
	left := f.received - s.pieces
	want := client.Stock{SKU: f.stock.SKU, OnHand: left, Available: left, Shipped: s.pieces}
	unless(f.stock == want, "stock is %+v, not %+v", f.stock, want)
	unless(f.shelf == left, "the warehouse counts %d pieces, not %d", f.shelf, left)
	return all
}

func (f streamFacts) print(w io.Writer) {
	s := f.sums()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	euros := func(cents int64) string { return fmt.Sprintf("%.2f EUR", float64(cents)/100) }
	row := func(what string, shop, other any, lost, twice int) {
		fmt.Fprintf(t, "%s\t%v\t%v\t%d\t%d\n", what, shop, other, lost, twice)
	}
	fmt.Fprintln(t, "\n\tORDERS\tREPORTS\tLOST\tCOUNTED TWICE")
	compare := func(what string, want, got int) {
		lost, twice := difference(want, got)
		row(what, want, got, lost, twice)
	}
	compare("placed", len(f.accepted), f.after.placed-f.before.placed)
	compare("confirmed", s.orders, f.after.confirmed-f.before.confirmed)
	compare("pieces sold", s.pieces, f.after.pieces)
	lost, twice := difference(int(s.total), int(f.after.revenue))
	row("revenue", euros(s.total), euros(f.after.revenue), lost, twice)
	fmt.Fprintln(t, "\tORDERS\tLEDGER\tLOST\tCOUNTED TWICE")
	lost, twice = difference(int(s.total), int(s.captured))
	row("money", euros(s.total), euros(s.captured), lost, twice)
	fmt.Fprintln(t, "\tINVENTORY\tWAREHOUSE\tLOST\tCOUNTED TWICE")
	compare("pieces on hand", f.stock.OnHand, f.shelf)
	_ = t.Flush()
	fmt.Fprintf(w, "\n%d records were appended again. Parked: %d records, %d messages of the warehouse. The rebuild "+
		"is %s, and generation %d serves.\n%d promises are broken.\n",
		f.repeated, f.after.parked-f.before.parked, f.unreadable, f.after.rebuild, f.after.generation, len(f.broken()))
}

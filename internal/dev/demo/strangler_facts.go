package demo

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/routes"
)

// migrationFacts are the results of a migration.
type migrationFacts struct {
	stages []stageFacts
	// expected counts the orders that customers placed or had before, listed those in their lists
	// at the old address, old and moved those that each side has by itself.
	expected, listed, old, moved int
	// cancelled and tooLate count cancellations at the old address, and those refused as too late.
	cancelled, tooLate int
	// differences are what shadowing found.
	differences []routes.Finding
	// failures are the broken promises.
	failures []error
}

// stageFacts are the results of a stage.
type stageFacts struct {
	stage
	began   time.Time
	settled bool // all processes use the table
	// orders counts all orders, onNew those of the new side, sure those while all processes used
	// the table of the stage.
	orders, onNew, sure int
	// Of the sure ones: fellBack counts those on the old side of customers of the new one, astray
	// those on the new side of customers of the old one. Of those that fell back, unlogged may be
	// missing in the log: the router was interrupted between the decision and its line.
	fellBack, astray, unlogged int
	// fallBacks counts what the router logged, unanswered the calls that clients had to repeat.
	fallBacks  map[strangler.Route]int
	unanswered int
}

// logged is the number of all logged fall-backs.
func (s stageFacts) logged() (n int) {
	for _, count := range s.fallBacks {
		n += count
	}
	return n
}

func (f *migrationFacts) unless(ok bool, format string, args ...any) {
	if !ok {
		f.failures = append(f.failures, fmt.Errorf(format, args...))
	}
}

// customer compares the ids of the orders that a customer should have with those at the old address
// and those on each side.
func (f *migrationFacts) customer(v *visitor, listed, old, moved []string) {
	want := v.all()
	f.expected, f.listed = f.expected+len(want), f.listed+len(listed)
	f.old, f.moved = f.old+len(old), f.moved+len(moved)
	has := slices.Concat(old, moved)
	for _, id := range want {
		f.unless(slices.Contains(has, id), "order %s is lost", id)
		f.unless(slices.Contains(listed, id), "order %s is not in its customer's list", id)
	}
	for _, id := range has {
		f.unless(slices.Contains(want, id), "no client knows of order %s: a request placed two", id)
	}
	slices.Sort(listed)
	f.unless(len(slices.Compact(listed)) == len(listed), "a customer's list has an order twice: %v", listed)
}

// bugs is what shadowing has to find: the two bugs of the old shop, see sandbox/README.md.
var bugs = []routes.Finding{
	{Route: strangler.ListProducts, Field: "products[].price", Products: []string{"1001"}},
	{Route: strangler.ReadProduct, Field: "title", Products: []string{"1005"}},
}

// broken returns the broken promises.
func (f *migrationFacts) broken() []error {
	for _, s := range f.stages {
		f.unless(s.sure > 0, "%s: no order was placed while all processes used the table", s.name)
		f.unless(s.astray == 0, "%s: %d orders went to the new side against the table", s.name, s.astray)
		logged := s.fallBacks[strangler.PlaceOrder]
		f.unless(s.fellBack-s.unlogged <= logged, "%s: %d orders went to the old side, %d fall-backs logged", s.name,
			s.fellBack, logged)
		f.unless(s.fellBack > 0 || !s.down, "%s: no order fell back to the old side", s.name)
	}
	same := func(a, b routes.Finding) bool {
		return a.Route == b.Route && a.Field == b.Field && slices.Equal(a.Products, b.Products)
	}
	f.unless(slices.EqualFunc(f.differences, bugs, same), "shadowing found %+v, want the two bugs: %+v", f.differences,
		bugs)
	f.unless(f.cancelled > 0, "no order was cancelled at its old address")
	return f.failures
}

func (f *migrationFacts) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "STAGE\tORDERS\tNEW SIDE\tSHARE\tFELL BACK\tALL FALL-BACKS\tREPEATED CALLS")
	for _, s := range f.stages {
		fmt.Fprintf(t, "%s\t%d\t%d\t%.0f %%\t%d\t%d\t%d\n", s.name, s.orders, s.onNew,
			100*float64(s.onNew)/float64(max(s.orders, 1)), s.fallBacks[strangler.PlaceOrder], s.logged(), s.unanswered)
	}
	fmt.Fprintln(t, "(for the first 15 s of a stage, processes may still use the previous table)")
	fmt.Fprintln(t, "\nDIFFERENCE\tFIELD\tANSWERS\tPRODUCTS")
	for _, d := range f.differences {
		fmt.Fprintf(t, "%s\t%s\t%d\t%v\n", d.Route, d.Field, d.Count, d.Products)
	}
	row := func(what string, figure int, how string, args ...any) {
		fmt.Fprintf(t, "%s\t%d\t%s\n", what, figure, fmt.Sprintf(how, args...))
	}
	fmt.Fprintln(t)
	row("orders", f.expected, "placed, or from earlier")
	row("  listed", f.listed, "at the old address")
	row("  stored", f.old+f.moved, "%d by the old shop, %d by the services", f.old, f.moved)
	row("cancelled", f.cancelled, "at the old address, %d were too late", f.tooLate)
	row("broken promises", len(f.failures), "lost, doubled or unreachable orders, and the like")
	_ = t.Flush()
}

package chaos

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// sagasShown is the most violating orders whose saga is printed.
const sagasShown = 5

// report prints the figures and every violation, and fails if there are any.
func (r *run) report(f facts) error {
	violations := r.wrong
	for _, i := range invariants {
		violations = append(violations, i.check(f)...)
	}
	w := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, line := range r.figures(f) {
		fmt.Fprintf(w, "%v\t%s\n", line.n, line.what)
	}
	fmt.Fprintf(w, "%d\tinvariants\n%d\tviolations\n", len(invariants), len(violations))
	if err := w.Flush(); err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, v := range violations {
		fmt.Fprintf(r.Out, "\nVIOLATED: %s\n  %s: %s\n", v.invariant, cmp.Or(v.order, "the system"), v.what)
		i := slices.IndexFunc(f.orders, func(o seen) bool { return o.id == v.order })
		if i < 0 || shown[v.order] || len(shown) == sagasShown {
			continue
		}
		shown[v.order] = true
		if err := f.orders[i].saga.Write(r.Out); err != nil {
			return err
		}
	}
	if len(violations) > 0 {
		return fmt.Errorf("%w: %d violations with seed %d", ErrViolated, len(violations), r.Seed)
	}
	return nil
}

type figure struct {
	n    any
	what string
}

func (r *run) figures(f facts) []figure {
	ended := map[string]int{}
	failed := map[string]int{}
	var attempts, compensations, mailsTwice int
	var longest time.Duration
	for _, o := range f.orders {
		ended[strings.TrimSpace(o.order.Status+" "+o.order.Why())]++
		mailsTwice += more(o)
		longest = max(longest, o.order.UpdatedAt.Sub(o.order.CreatedAt))
		for _, x := range o.saga.Executions {
			if strings.HasPrefix(x.Machine, "compensate-order") {
				compensations++
			}
		}
		for _, s := range o.saga.Steps {
			for _, a := range s.Attempts {
				attempts++
				if a.Failure != nil {
					failed[a.Failure.Error]++
				}
			}
		}
	}
	lines := []figure{{len(f.orders), "orders"}}
	for _, name := range slices.Sorted(maps.Keys(ended)) {
		lines = append(lines, figure{ended[name], "  " + name})
	}
	lines = append(lines,
		figure{sum(r.kills), fmt.Sprintf("processes of functions killed, %d of them at work", r.atWork)})
	for _, name := range slices.SortedFunc(maps.Keys(r.kills), func(a, b string) int {
		return cmp.Or(r.kills[b]-r.kills[a], strings.Compare(a, b))
	}) {
		lines = append(lines, figure{r.kills[name], "  " + name})
	}
	lines = append(lines, figure{sum(r.stops), "executions stopped"}, figure{r.copies, "events published again"},
		figure{attempts, "attempts of steps, of which failed"})
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		lines = append(lines, figure{failed[name], "  " + name})
	}
	return append(lines, figure{compensations, "executions of compensate-order"},
		figure{fmt.Sprintf("%.1f s", longest.Seconds()), "longest way of an order to its final state"},
		figure{mailsTwice, "mails that came once more (see package notifications)"},
		figure{len(f.letters), "messages given up on"})
}

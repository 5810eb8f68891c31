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

// sagasShown is the maximum number of violating orders whose saga is printed.
const sagasShown = 5

// report prints the figures and every violation, and fails if there are any.
func (r *run) report(f facts) error {
	violations := append(r.wrong, f.violations()...)
	if err := r.printFigures(f, len(violations)); err != nil {
		return err
	}
	shown := map[string]bool{}
	for _, v := range violations {
		fmt.Fprintf(r.Out, "\nVIOLATED: %s\n  %s: %s\n", v.invariant, cmp.Or(v.order, "the system"), v.what)
		i := slices.IndexFunc(f.orders, func(o orderFacts) bool { return o.id == v.order })
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

func (r *run) printFigures(f facts, violations int) error {
	ended, failed := map[string]int{}, map[string]int{}
	var attempts, compensations int
	var longest time.Duration
	for _, o := range f.orders {
		ended[strings.TrimSpace(o.now.Status+" "+o.now.Why())]++
		longest = max(longest, o.now.UpdatedAt.Sub(o.now.CreatedAt.Time))
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
	w := tabwriter.NewWriter(r.Out, 0, 0, 2, ' ', 0)
	row := func(n any, what string) { fmt.Fprintf(w, "%v\t%s\n", n, what) }
	each := func(counts map[string]int) {
		for _, name := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
			return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
		}) {
			row(counts[name], "  "+name)
		}
	}
	fmt.Fprintln(w)
	row(len(f.orders), "orders")
	each(ended)
	if r.Serve {
		row(r.killed[wholeProcess], "kills of the process")
	} else {
		row(sum(r.killed), fmt.Sprintf("processes of functions killed, %d of them at work", r.killedBusy))
		each(r.killed)
	}
	row(sum(r.stopped), "executions stopped")
	row(r.copied, "events published again")
	row(attempts, "attempts of steps, of which failed")
	each(failed)
	row(compensations, "executions of compensate-order")
	row(fmt.Sprintf("%.1f s", longest.Seconds()), "longest way of an order to its final state")
	row(f.mailsTwice(), "mails that came twice (see package notifications)")
	row(len(f.deadLetters), "messages given up on")
	row(len(invariants), "invariants")
	row(violations, "violations")
	return w.Flush()
}

package sim

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// workers is how many seeds run concurrently, each in its own world.
const workers = 2

// sweep runs n seeds from first and passes each report to done until that returns false.
func sweep(first uint64, n int, o Options, d *Definitions, m Mutant, done func(*Report) (more bool)) {
	var group sync.WaitGroup
	var mu sync.Mutex
	seed, last := first, first+uint64(n)
	for range workers {
		group.Go(func() {
			mu.Lock()
			defer mu.Unlock()
			for seed < last {
				next := seed
				seed++
				mu.Unlock()
				r, _ := Run(next, o, d, m)
				mu.Lock()
				if !done(r) {
					last = seed
				}
			}
		})
	}
	group.Wait()
}

// enough is the number of orders after which every path must have been reached.
const enough = 5000

// Campaign runs n seeds from first and prints the report and the timeline of the first violation.
// It reports whether no promise was broken and, with enough orders, every path was reached.
func Campaign(root string, first uint64, n int, o Options, out io.Writer) (bool, error) {
	d, err := Load(root, Mutant{})
	if err != nil {
		return false, err
	}
	all, started := newReport(), time.Now()
	sweep(first, n, o, d, Mutant{}, all.Add)
	all.Print(out)
	took := time.Since(started)
	fmt.Fprintf(out, "%.1f s, %.0f orders a second\n", took.Seconds(), float64(all.Orders)/took.Seconds())
	if len(all.Violations) > 0 {
		v := all.Violations[0]
		fmt.Fprintf(out, "\nthe first violation, replayed from seed %d:\n", v.Seed)
		if v.Order == "" { // its timeline would be the whole run
			return false, nil
		}
		_, err := Replay(root, v.Seed, v.Order, "", o, out)
		return false, err
	}
	missing := all.Missing(d)
	if all.Orders < enough {
		return true, nil
	}
	for _, path := range missing {
		fmt.Fprintf(out, "NEVER REACHED: %s\n", path)
	}
	return len(missing) == 0, nil
}

// Replay runs one seed and prints its timeline, or only that of an order. With part of a mutant's
// name it runs that mutant.
func Replay(root string, seed uint64, order, mutant string, o Options, out io.Writer) (bool, error) {
	var m Mutant
	if mutant != "" {
		i := slices.IndexFunc(Mutants, func(m Mutant) bool { return strings.Contains(m.Name, mutant) })
		if i < 0 {
			return false, fmt.Errorf("no mutant's name contains %q: see `sim --mutants`", mutant)
		}
		m = Mutants[i]
	}
	d, err := Load(root, m)
	if err != nil {
		return false, err
	}
	o.Record = true
	r, timeline := Run(seed, o, d, m)
	timeline.Print(out, order)
	fmt.Fprintf(out, "seed %d: digest %016x, %d violations\n", seed, timeline.Digest, len(r.Violations))
	for _, v := range r.Violations {
		fmt.Fprintf(out, "order %s: %s: %s\n", v.Order, v.Invariant, v.Text)
	}
	return len(r.Violations) == 0, nil
}

package sim

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"orderflow/internal/platform/casing"
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
	missing := all.Missing(d, o)
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
		o.Brokers, o.OneProcess = o.Brokers || m.brokers, o.OneProcess || m.oneProcess
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

// Violation is a broken promise.
type Violation struct {
	Seed      uint64
	Invariant string
	Order     string // "" if it is not about one order
	Text      string
}

// Report is the sum of runs.
type Report struct {
	Seeds, Orders int
	Faults        map[Fault]int
	Paths         map[string]int
	Violations    []Violation
}

func newReport() *Report { return &Report{Faults: map[Fault]int{}, Paths: map[string]int{}} }

// Add adds another report. It returns true.
func (r *Report) Add(other *Report) bool {
	r.Seeds += other.Seeds
	r.Orders += other.Orders
	for kind, n := range other.Faults {
		r.Faults[kind] += n
	}
	for path, n := range other.Paths {
		r.Paths[path] += n
	}
	r.Violations = append(r.Violations, other.Violations...)
	return true
}

// Injected counts the faults of all kinds.
func (r *Report) Injected() (n int) {
	for count := range maps.Values(r.Faults) {
		n += count
	}
	return n
}

// Print writes the report for people.
func (r *Report) Print(out io.Writer) {
	fmt.Fprintf(out, "faults injected: %d\n", r.Injected())
	for _, kind := range slices.Concat(Faults(), sortedKeys(brokerOdds), sortedKeys(processOdds)) {
		if _, core := odds[kind]; core || r.Faults[kind] > 0 {
			fmt.Fprintf(out, "  %7d  %s\n", r.Faults[kind], kind)
		}
	}
	fmt.Fprintln(out, "reached:")
	for _, path := range sortedKeys(r.Paths) {
		fmt.Fprintf(out, "  %7d  %s\n", r.Paths[path], path)
	}
	for _, v := range r.Violations[:min(len(r.Violations), 20)] {
		fmt.Fprintf(out, "VIOLATION seed %d, order %s: %s: %s\n", v.Seed, v.Order, v.Invariant, v.Text)
	}
	fmt.Fprintf(out, "%d seeds, %d orders, %d faults, %d violations\n",
		r.Seeds, r.Orders, r.Injected(), len(r.Violations))
}

// faultsStop is the timeline's entry between the phases.
const faultsStop = "the faults stop"

// Timeline is what happened in a run, in order.
type Timeline struct {
	lines  []line
	Digest uint64 // equal for equal runs
}

// Print writes the lines of one order, or all lines if order is "".
func (t *Timeline) Print(out io.Writer, order string) {
	for _, l := range t.lines {
		switch {
		case order == "":
			fmt.Fprintf(out, "%10.3fs  %-26s  %s\n", l.at.Seconds(), l.order, l.text)
		case l.order == order, l.text == faultsStop, strings.Contains(l.text, order):
			fmt.Fprintf(out, "%10.3fs  %s\n", l.at.Seconds(), l.text)
		}
	}
}

// paths must be reached over many seeds, or the absence of violations means little. The same holds
// for every state of the machines, a retry of every task that retries, every step undone before it
// ran and refused after its undo, and every fault; see Missing.
var paths = []string{
	"order CONFIRMED ", "order CANCELLED CANCELLED_BY_CUSTOMER", "order CANCELLED CANCELLED_BY_OPERATOR",
	"order REJECTED OUT_OF_STOCK", "order REJECTED PAYMENT_DECLINED",
	"order REJECTED PAYMENT_ABANDONED", "a customer authenticated", "a customer failed to authenticate",
	"a customer acted too late",
	"order REJECTED SHIPMENT_REFUSED", "order REJECTED TIMED_OUT", "order REJECTED INTERNAL",
	"an order waited in vain for PAYMENT_PROVIDER", "an order waited in vain for CARRIER",

	"fulfil-order ended SUCCEEDED", "fulfil-order ended ABORTED", "fulfil-order ended TIMED_OUT",
	"compensate-order ended SUCCEEDED", "compensate-order ended FAILED", "compensate-order ended ABORTED",
	"compensate-order ended TIMED_OUT",
	"prepare-order ended SUCCEEDED", "prepare-order ended ABORTED", "settle-order ended SUCCEEDED",
	"settle-order ended ABORTED", "undo-order ended SUCCEEDED", "undo-order ended ABORTED",
	"fulfil-order was started twice, and ran once", "compensate-order was started twice, and ran once",

	"a late duplicate was answered with the first result", "a lost race was decided again", "a zombie ran to its end",
	"a product was split", "a split product was adjusted", "a split product was adjusted while orders wrote it",
	"a product was merged", "units were no longer where they were reserved", "a line was reserved in several shards",
	"stock of a shard was returned", "a product is IN_STOCK", "a product is LOW",

	"a message was received again", "a batch failed in part", "a message ended in a dead-letter queue",
	"a customer was refused: TooManyOpenOrders", "a customer was refused: TooManyDeclinedPayments",
	"a customer was refused: OrdersStopped",
	"a stream's record was retried", "a stream's batch was halved", "a stream gave up on an event",
	"an answer came for a stale token", "a cancellation came too late", "a mail was sent again after a crash",
	"the carrier called again", "the payment provider repeated a notice", "a notice led to a refund",
	"the provider charged, but answered 500",
	"an older version wrote an item of a newer one", "a saga got a field of a newer version",
	"circuit CLOSED > OPEN", "circuit OPEN > HALF_OPEN", "circuit HALF_OPEN > OPEN", "circuit HALF_OPEN > CLOSED",
	"a burst found no free slot",
	"fulfil-order waited for a circuit", "compensate-order waited for a circuit",
	"sweep-orders found something overdue", "sweep-reservations found something overdue",
	"a part was refunded at the provider", "a confirmed order was refunded at the provider",
	"reconciliation reported a refund",
	"reconciliation refunded a charge", "an operator retried a compensation", "recovery gave up a compensation",
	"a free order CONFIRMED", "a free order REJECTED",
}

// brokerPaths must be reached in runs with brokers.
var brokerPaths = []string{
	"two pollers read one partition", "a poller that had lost its partition handled a batch",
	"a batch of the log was halved", "a record of the log was retried",
	"a message was written to a dead connection", "a message was returned", "a batch of messages was requeued",
	"a message of the exchange was delivered again", "a message was handled, but not acknowledged",
	"the warehouse got a pick job twice",
	"the log's source gave up on a record", "a rebuild was stopped",
	"rebuild-reports ended SUCCEEDED", "rebuild-reports ended ABORTED",
	"the log lost records before a rebuild", "a rebuilt generation is not complete",
	"a topic was made anew",
}

// Missing lists the required paths that were not reached.
func (r *Report) Missing(d *Definitions, o Options) []string {
	must, faults := slices.Clone(paths), Faults()
	if o.OneProcess { // the rest is reached with Step Functions
		must, faults = slices.Clone(processPaths), sortedKeys(processOdds)
		return r.without(must, faults)
	}
	if o.Brokers {
		must, faults = append(must, brokerPaths...), append(faults, sortedKeys(brokerOdds)...)
	}
	machines := maps.Clone(d.machines)
	if o.Brokers {
		machines[rebuildReports] = d.rebuild
	}
	for _, name := range sortedKeys(machines) {
		states := machines[name].States
		for _, state := range sortedKeys(states) {
			must = append(must, string(name)+" "+state)
			if len(states[state].Retry) > 0 {
				must = append(must, "retried: "+state)
			}
		}
	}
	for _, undo := range sortedKeys(undoes) {
		for _, step := range undoes[undo] {
			must = append(must, "null compensation of "+step,
				"dangling: "+casing.Kebab(step)+" was refused after its undo")
		}
	}
	return r.without(must, faults)
}

// without lists the paths that were not reached and the faults that did not strike.
func (r *Report) without(paths []string, faults []Fault) (missing []string) {
	for _, path := range paths {
		if r.Paths[path] == 0 {
			missing = append(missing, path)
		}
	}
	for _, kind := range faults {
		if r.Faults[kind] == 0 {
			missing = append(missing, "the fault "+string(kind))
		}
	}
	return missing
}

package prove

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Options bound a search.
type Options struct {
	// Faults is how many may happen in a run.
	Faults uint8
	// Breakage is a defect to put in.
	Breakage Breakage
	// Plain leaves the reductions out, for a test that they lose nothing.
	Plain bool
}

// Report is what a search found.
type Report struct {
	Options
	States      int // different ones
	Transitions int
	Depth       int // of the longest of the ways that lead to a state
	AtRest      int // states in which nothing more happens by itself
	Executions  int // different states of an execution, of both machines
	Ends        map[string]int
	Took        time.Duration
	Violation   *Violation
}

// Violation is a way to a state that must not be.
type Violation struct {
	Rule   string
	Faults uint8
	Path   []string // what happened, in order
	End    State
}

// search visits every state once, with the fewest faults that lead there, since whatever can come of it with more faults
// can come of it with fewer. Among the states of as many faults it goes breadth first, so the violation that it finds
// has the fewest faults, and of these ways the shortest.
type search struct {
	machines Machines
	opts     Options
	runs     *runs
	states   []State
	parents  []int32
	depths   []uint16
	faults   []uint8 // the fewest known
	numbers  map[State]int32
	queues   [][]int32 // by number of faults
	spare    []successor
}

// Run searches from a placed order, in each of the worlds that its parties may make of it. Time is told by now.
func Run(m Machines, opts Options, now func() time.Time) Report {
	began := now()
	x := newSearch(m, opts)
	r := Report{Options: opts}
	x.run(&r)
	r.States, r.Executions, r.Took = len(x.states), len(x.runs.all)-1, now().Sub(began)
	return r
}

func newSearch(m Machines, opts Options) *search {
	return &search{machines: m, opts: opts, runs: newRuns(m, opts), numbers: map[State]int32{}, queues: make([][]int32, opts.Faults+1)}
}

func (x *search) run(r *Report) {
	for _, w := range worlds() {
		s := State{World: w}
		x.goOn(&s, ofSaga, x.runs.start(x.machines.Fulfil, orderID, []byte(orderInput)))
		x.found(s, -1, 0)
	}
	for faults := range x.opts.Faults + 1 {
		for len(x.queues[faults]) > 0 && r.Violation == nil {
			i := x.queues[faults][0]
			x.queues[faults] = x.queues[faults][1:]
			if x.faults[i] == faults { // else it was visited with fewer
				x.visit(i, faults, r)
			}
		}
	}
}

// visit checks a state and finds its successors.
func (x *search) visit(i int32, faults uint8, r *Report) {
	s := x.states[i]
	r.Depth = max(r.Depth, int(x.depths[i]))
	rule := x.violated(&s)
	next := x.after(&s)
	if rule == "" && next.free == 0 && !x.atRest(&s) {
		rule = "whatever is not at rest can go on by itself"
	}
	if rule != "" {
		r.Violation = &Violation{Rule: rule, Faults: faults, Path: x.path(i), End: s}
		return
	}
	if x.atRest(&s) {
		r.AtRest++
		if r.Ends == nil {
			r.Ends = map[string]int{}
		}
		r.Ends[s.World.Order.String()]++
	}
	for _, n := range next.list {
		if n.fault && faults == x.opts.Faults {
			continue
		}
		r.Transitions++
		if n.fault {
			x.found(n.state, i, faults+1)
		} else {
			x.found(n.state, i, faults)
		}
	}
}

func (x *search) found(s State, parent int32, faults uint8) {
	depth := uint16(0)
	if parent >= 0 {
		depth = x.depths[parent] + 1
	}
	i, known := x.numbers[s]
	switch {
	case !known:
		i = int32(len(x.states)) //nolint:gosec // so many have no room in memory
		x.numbers[s] = i
		x.states, x.parents = append(x.states, s), append(x.parents, parent)
		x.depths, x.faults = append(x.depths, depth), append(x.faults, faults)
	case faults < x.faults[i]: // it waits in a later queue, in vain
		x.parents[i], x.depths[i], x.faults[i] = parent, depth, faults
	default:
		return
	}
	x.queues[faults] = append(x.queues[faults], i)
}

// worlds are how a run may begin.
func worlds() []World {
	return []World{{Available: stock}, {Available: stock, Declines: true}, {Available: stock, Refuses: true}, {Empty: true}}
}

// path tells how a state was reached.
func (x *search) path(i int32) []string {
	parent := x.parents[i]
	if parent < 0 {
		return []string{"an order is placed" + x.states[i].World.begins()}
	}
	before := x.path(parent)
	from := x.states[parent]
	for _, n := range x.after(&from).list {
		if n.state == x.states[i] {
			return append(before, n.label())
		}
	}
	return before
}

func (w World) begins() string {
	switch {
	case w.Declines:
		return "; its payment will be declined"
	case w.Refuses:
		return "; the carrier will refuse it"
	case w.Empty:
		return "; there is no stock"
	}
	return ""
}

// Print writes a report for people.
func (r Report) Print(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "faults per run     up to %d\nstates             %d, of these at rest %d\n", r.Faults, r.States, r.AtRest)
	fmt.Fprintf(&b, "transitions        %d\ndepth              %d\nexecution states   %d\n", r.Transitions, r.Depth, r.Executions)
	for o := pending; o <= needsAttention; o++ {
		fmt.Fprintf(&b, "ended %-13s%d\n", o, r.Ends[o.String()])
	}
	fmt.Fprintf(&b, "seconds            %.1f\n", r.Took.Seconds())
	if r.Violation == nil {
		b.WriteString("violations         0\n")
	} else {
		b.WriteString(r.Violation.String())
	}
	_, err := io.WriteString(to, b.String())
	return err
}

func (v *Violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "violated           %s\n", v.Rule)
	for i, step := range v.Path {
		fmt.Fprintf(&b, "%4d  %s\n", i, step)
	}
	w := v.End.World
	fmt.Fprintf(&b, "      order %s, charge %s, reserved %d, shipped %d, carrier ships %v\n", w.Order, w.Charge, w.Reserved, w.Shipped, w.ships())
	return b.String()
}

func (o order) String() string {
	return [...]string{"PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "FLAGGED"}[o]
}

func (p payment) String() string {
	return [...]string{"none", "AUTHORIZED", "CAPTURED", "DECLINED", "VOIDED", "REFUNDED"}[p]
}

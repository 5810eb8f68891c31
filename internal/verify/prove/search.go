package prove

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Options configure a search.
type Options struct {
	Faults   uint8    // maximum per run
	Breakage Breakage // a defect to insert
	Plain    bool     // no reductions, to test that they lose nothing
}

// Report is the result of a search.
type Report struct {
	Options
	States      int // different ones
	Transitions int
	Depth       int // longest path to a state
	AtRest      int // states in which nothing more happens by itself
	Executions  int // different execution states, of both machines
	Ends        map[string]int
	Took        time.Duration
	Violation   *Violation
}

// Violation is a path to a forbidden state.
type Violation struct {
	Rule   string
	Faults uint8
	Path   []string // what happened, in order
	End    State
}

// search visits every state once, with the fewest faults that lead there: whatever can follow with
// more faults can follow with fewer. It searches breadth first by number of faults, so the
// violation found has the fewest faults and, among these, the shortest path.
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

// Run searches from a placed order, in each initial world. now is the clock.
func Run(m Machines, opts Options, now func() time.Time) Report {
	began := now()
	x := newSearch(m, opts)
	r := Report{Options: opts}
	x.run(&r)
	r.States, r.Executions, r.Took = len(x.states), len(x.runs.all)-1, now().Sub(began)
	return r
}

func newSearch(m Machines, opts Options) *search {
	queues := make([][]int32, opts.Faults+1)
	return &search{machines: m, opts: opts, runs: newRuns(m, opts), numbers: map[State]int32{}, queues: queues}
}

func (x *search) run(r *Report) {
	for _, w := range worlds() {
		s := State{World: w}
		x.setRun(&s, ofSaga, x.runs.start(x.machines.Fulfil, orderID, []byte(orderInput)))
		x.found(s, -1, 0)
	}
	for faults := range x.opts.Faults + 1 {
		for len(x.queues[faults]) > 0 && r.Violation == nil {
			i := x.queues[faults][0]
			x.queues[faults] = x.queues[faults][1:]
			if x.faults[i] == faults { // else already visited with fewer
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
		rule = "whatever is not at rest can continue by itself"
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
		i = int32(len(x.states)) //nolint:gosec // memory ends before
		x.numbers[s] = i
		x.states, x.parents = append(x.states, s), append(x.parents, parent)
		x.depths, x.faults = append(x.depths, depth), append(x.faults, faults)
	case faults < x.faults[i]: // its entry in a later queue will be skipped
		x.parents[i], x.depths[i], x.faults[i] = parent, depth, faults
	default:
		return
	}
	x.queues[faults] = append(x.queues[faults], i)
}

// worlds returns the initial worlds.
func worlds() []World {
	return []World{
		{Available: stock}, {Available: stock, Declines: true}, {Available: stock, Refuses: true}, {Empty: true},
	}
}

// path describes how a state was reached.
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

// Print writes the report as text.
func (r Report) Print(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "faults per run     up to %d\n", r.Faults)
	fmt.Fprintf(&b, "states             %d, of these at rest %d\n", r.States, r.AtRest)
	fmt.Fprintf(&b, "transitions        %d\ndepth              %d\n", r.Transitions, r.Depth)
	fmt.Fprintf(&b, "execution states   %d\n", r.Executions)
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
	fmt.Fprintf(&b, "      order %s, charge %s, reserved %d, shipped %d, carrier ships %v\n",
		w.Order, w.Charge, w.Reserved, w.Shipped, w.ships())
	return b.String()
}

func (o order) String() string {
	return [...]string{"PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "FLAGGED"}[o]
}

func (p payment) String() string {
	return [...]string{"none", "AUTHORIZED", "CAPTURED", "DECLINED", "VOIDED", "REFUNDED"}[p]
}

package prove

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"orderflow/internal/platform/asl"
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
	AtRest      int // states in which nothing more happens on its own
	Executions  int // different execution states, of all machines
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

// search visits every state once, with the fewest faults that lead there: everything that can
// follow with more faults can also follow with fewer. It searches breadth first by number of
// faults, so the violation found has the fewest faults and, among these, the shortest path.
type search struct {
	machines Machines
	opts     Options
	runs     runs
	// forgetful: retry counts do not matter, because a run's faults are too few to exhaust them.
	forgetful bool
	// waitAhead: the states of the saga that wait for a token or may lead to one that does.
	waitAhead map[string]bool
	visits    []visit
	numbers   map[State]int32
	queues    [][]int32 // by number of faults
	spare     []successor
}

type visit struct {
	State
	parent int32 // -1: none
	faults uint8 // the fewest known
}

// Search reads the definitions in dir, searches with up to a number of faults per run and writes
// the result. ok is false if an order can be left in a wrong state.
func Search(out io.Writer, dir string, faults uint) (ok bool, err error) {
	if faults > 10 {
		return false, errors.New("more than 10 faults would never finish: use fewer")
	}
	machines, err := Load(func(machine string) ([]byte, error) {
		return os.ReadFile(filepath.Join(dir, machine+".asl.json")) //nolint:gosec // our own file
	})
	if err != nil {
		return false, err
	}
	report := Run(machines, Options{Faults: uint8(faults)}, time.Now)
	report.Print(out)
	return report.Violation == nil, nil
}

// Run searches from a placed order, in each initial world. now is the clock.
func Run(m Machines, opts Options, now func() time.Time) Report {
	began := now()
	x := newSearch(m, opts)
	r := Report{Options: opts, Ends: map[string]int{}}
	x.all(&r)
	r.States, r.Executions, r.Took = len(x.visits), len(x.runs.all)-1, now().Sub(began)
	return r
}

func newSearch(m Machines, opts Options) *search {
	x := &search{
		machines: m, opts: opts, forgetful: !opts.Plain && int(opts.Faults) <= m.retries(),
		runs: runs{
			all: []*asl.Execution{nil}, tokens: []string{""}, numbers: map[string]int32{}, answers: map[answer]int32{},
		},
		waitAhead: map[string]bool{}, numbers: map[State]int32{}, queues: make([][]int32, opts.Faults+1),
	}
	x.lookAhead(m[fulfilOrder].StartAt)
	return x
}

// lookAhead fills waitAhead from a state on. There are no loops.
func (x *search) lookAhead(name string) bool {
	s := x.machines[fulfilOrder].States[name]
	ahead := s.Resource == asl.LambdaInvokeAndWait
	for _, next := range s.Successors() {
		ahead = x.lookAhead(next) || ahead
	}
	x.waitAhead[name] = ahead
	return ahead
}

func (x *search) all(r *Report) {
	for _, b := range beginnings {
		faults := uint8(0)
		if b.Asks && x.opts.Faults > 0 { // the longest runs: with one fault less
			faults = 1
		}
		s := State{World: b.World}
		x.start(&s, ofSaga, orderID, []byte(orderInput))
		x.found(s, -1, faults)
	}
	for faults := range x.opts.Faults + 1 {
		for len(x.queues[faults]) > 0 && r.Violation == nil {
			i := x.queues[faults][0]
			x.queues[faults] = x.queues[faults][1:]
			if x.visits[i].faults == faults { // else already visited with fewer
				x.visit(i, r)
			}
		}
	}
}

func (x *search) visit(i int32, r *Report) {
	s, faults := x.visits[i].State, x.visits[i].faults
	rule := x.violated(&s)
	next := x.next(&s)
	if rule == "" && next.free == 0 && !x.atRest(&s) {
		rule = "whatever is not at rest can continue on its own"
	}
	if rule != "" {
		r.Violation = &Violation{Rule: rule, Faults: faults, Path: x.path(i), End: s}
		return
	}
	if x.atRest(&s) {
		r.AtRest++
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
	i, known := x.numbers[s]
	switch {
	case !known:
		i = int32(len(x.visits)) //nolint:gosec // memory ends before
		x.numbers[s] = i
		x.visits = append(x.visits, visit{s, parent, faults})
	case faults < x.visits[i].faults: // its entry in a later queue will be skipped
		x.visits[i].parent, x.visits[i].faults = parent, faults
	default:
		return
	}
	x.queues[faults] = append(x.queues[faults], i)
}

// beginnings are the initial worlds, with words for them.
var beginnings = []struct {
	World
	words string
}{
	{World{Available: stock}, "an order is placed"},
	{World{Available: stock, Declines: true}, "an order is placed; its payment will be declined"},
	{World{Available: stock, Refuses: true}, "an order is placed; the carrier will refuse it"},
	{World{Available: stock, Asks: true}, "an order is placed; its customer must act"},
	{World{Empty: true}, "an order is placed; there is no stock"},
}

func (x *search) path(i int32) []string {
	v := x.visits[i]
	if v.parent < 0 {
		return []string{beginnings[i].words}
	}
	before := x.path(v.parent)
	from := x.visits[v.parent].State
	for _, n := range x.next(&from).list {
		if n.state == v.State {
			return append(before, fmt.Sprintf(n.format, n.args...))
		}
	}
	return before
}

// Print writes the report as text.
func (r Report) Print(to io.Writer) {
	fmt.Fprintf(to, "faults per run     up to %d\n", r.Faults)
	fmt.Fprintf(to, "states             %d, of these at rest %d\n", r.States, r.AtRest)
	fmt.Fprintf(to, "transitions        %d\nexecution states   %d\n", r.Transitions, r.Executions)
	for o := pending; o <= needsAttention; o++ {
		fmt.Fprintf(to, "ended %-13s%d\n", o, r.Ends[o.String()])
	}
	fmt.Fprintf(to, "seconds            %.1f\n", r.Took.Seconds())
	if r.Violation == nil {
		fmt.Fprintln(to, "violations         0")
		return
	}
	v, w := r.Violation, r.Violation.End.World
	fmt.Fprintf(to, "violated           %s\n", v.Rule)
	for i, step := range v.Path {
		fmt.Fprintf(to, "%4d  %s\n", i, step)
	}
	fmt.Fprintf(to, "      order %s, charge %s, reserved %d, shipped %d, carrier ships %v\n",
		w.Order, w.Charge, w.Reserved, w.Shipped, w.ships())
}

func (o order) String() string {
	return [...]string{"PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "FLAGGED"}[o]
}

func (p payment) String() string {
	return [...]string{"none", "AUTHORIZED", "CAPTURED", "DECLINED", "VOIDED", "REFUNDED", "ACTION_REQUIRED"}[p]
}

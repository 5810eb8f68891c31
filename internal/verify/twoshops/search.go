// Package twoshops searches all runs of an old client's request between two shops for one that
// places two orders, or after which the client cannot find its order.
//
// The router is the real one; the shops are those of package stranglertest. A run is one customer's
// request, with up to a number of events in any order: the client sends it (again), the table of
// routes changes to any setting, the circuit to the new side opens or closes, a day passes, an
// abandoned call takes effect or never does, the client cancels. A run also has up to a number of
// faults: a call takes effect but its answer is lost, or it takes effect later or never; the record
// of the request's side is not written, or written without an answer; a second attempt of the
// client runs just before that record is written. A late call takes effect within a day: functions
// and the API end theirs after seconds.
//
// The search leaves out two customers, who share nothing but the table, and requests for several
// products, which the tests of package strangler cover.
package twoshops

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/stranglertest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/verify/interleave"
)

// Options bound the runs. Mutant is a defect to insert, or nil.
type Options struct {
	Events, Faults int
	Mutant         *Mutant
}

// Report is the result of a search.
type Report struct {
	Options
	Runs   int
	Placed map[strangler.Side]int // runs by the side that has the order
	// Fallbacks counts runs in which the old side took the order because the new one was down.
	Fallbacks, Lost int
	Took            time.Duration
	// Broken is the promise that a run broke, and Path what happened in it.
	Broken string
	Path   []string
}

// errBroken ends a run.
type errBroken struct{ promise string }

func (e errBroken) Error() string { return e.promise }

// Run searches all runs, and stops at the first that breaks a promise. now is the clock.
func Run(o Options, now func() time.Time) Report {
	began := now()
	r := Report{Options: o, Placed: map[strangler.Side]int{}}
	found := map[string]bool{}
	for c := (&interleave.Choices{}); ; {
		w := newWorld(o, c)
		w.found = found
		err := w.run()
		r.Runs++
		r.count(w)
		if err != nil {
			r.Broken, r.Path = err.Error(), w.path
			break
		}
		if !c.Next() {
			break
		}
	}
	r.Took = now().Sub(began)
	return r
}

func (r *Report) count(w *world) {
	for _, p := range w.shops.All {
		r.Placed[p.Side]++
	}
	if len(w.told.Fallbacks) > 0 {
		r.Fallbacks++
	}
	if w.faults > 0 {
		r.Lost++
	}
}

// world is one run.
type world struct {
	Options
	choices *interleave.Choices
	path    []string

	clock  *clock.Manual
	shops  *stranglertest.Shops
	table  stranglertest.Table
	told   stranglertest.Told
	router Router

	quiet     bool // no faults any more
	faults    int
	nested    bool
	addresses []string // that a client got in a 201
	setting   int
	days      int
	cancelled bool
	refused   bool // the client was wrongly told that its request had no effect
	// found are the ends of runs whose orders were found in every mode.
	found map[string]bool
}

// Router is the interface for clients.
type Router interface {
	PlaceOrder(ctx context.Context, as strangler.Caller, in strangler.Placement) (strangler.Order, error)
	ReadOrder(ctx context.Context, as strangler.Caller, orderID string) (strangler.Order, error)
	ListOrders(ctx context.Context, as strangler.Caller, page string) (strangler.OrderPage, error)
	CancelOrder(
		ctx context.Context, as strangler.Caller, orderID string, in strangler.Cancellation,
	) (strangler.Order, error)
}

var (
	customer = stranglertest.As("ada")
	request  = stranglertest.Order("r1", "1001")
	begin    = time.Date(2026, 11, 28, 18, 0, 0, 0, time.UTC)
	// settings are the possible tables. In the first four, 1001 is MUG-BLUE.
	settings = []setting{
		of("legacy"), of("split 0"), of("split 100"), of("new"),
		{"nothing, as in a process that has read none", func(t *stranglertest.Table) {
			t.Table = strangler.AllLegacy()
		}},
		{"new, and 1001 is TEA", func(t *stranglertest.Table) {
			t.Set(stranglertest.Settings["new"])
			t.Products["1001"] = "TEA"
		}},
	}
	same = settings[:4]
)

type setting struct {
	name string
	set  func(*stranglertest.Table)
}

func of(name string) setting {
	return setting{name, func(t *stranglertest.Table) { t.Set(stranglertest.Settings[name]) }}
}

func newWorld(o Options, c *interleave.Choices) *world {
	w := &world{Options: o, choices: c, clock: clock.At(begin)}
	w.shops = stranglertest.Example(w.clock)
	w.shops.Fate = w.fate
	w.shops.Probe = func() bool { return w.quiet || w.pick(2) == 1 }
	w.set(w.pick(len(settings)))
	parts := Parts{
		Old: w.shops.Old(), New: w.shops.New(), Placements: recorded{w, memory.New(w.clock)}, Table: &w.table,
	}
	if o.Mutant != nil && o.Mutant.Parts != nil {
		o.Mutant.Parts(&parts)
	}
	w.router = strangler.NewRouter(parts.Old, parts.New, &w.table, parts.Placements, &w.told, w.clock, &w.told)
	if o.Mutant != nil && o.Mutant.Router != nil {
		w.router = o.Mutant.Router(w.router, parts)
	}
	return w
}

func (w *world) pick(n int) int { return w.choices.Pick(n) }

func (w *world) did(format string, args ...any) {
	w.path = append(w.path, fmt.Sprintf(format, args...))
}

// fault picks one of n faults, or 0 for none.
func (w *world) fault(n int) int {
	if w.quiet || w.faults == w.Faults {
		return 0
	}
	f := w.pick(n + 1)
	if f > 0 {
		w.faults++
	}
	return f
}

// fate decides on the calls of the shops.
func (w *world) fate(side strangler.Side, r strangler.Route) stranglertest.Fate {
	if r != strangler.PlaceOrder && r != strangler.CancelOrder {
		return stranglertest.Answered
	}
	f := stranglertest.Fate(w.fault(2))
	if f != stranglertest.Answered {
		w.did("%s of the %s side: %s", r, side, map[stranglertest.Fate]string{
			stranglertest.Lost: "takes effect, but the answer is lost",
			stranglertest.Late: "no answer, and no effect yet",
		}[f])
	}
	return f
}

// recorded is the record of requests' sides.
type recorded struct {
	w *world
	strangler.Placements
}

var errTable = errors.New("the table does not answer")

func (r recorded) Decide(
	ctx context.Context, of, requestID string, d strangler.Decision,
) (strangler.Decision, error) {
	faults := 3
	if r.w.nested {
		faults = 2
	}
	switch r.w.fault(faults) {
	case 1:
		r.w.did("the side is not recorded")
		return strangler.Decision{}, errTable
	case 2:
		r.w.did("the side is recorded, but the answer is lost")
		_, _ = r.Placements.Decide(ctx, of, requestID, d)
		return strangler.Decision{}, errTable
	case 3:
		r.w.did("before the %s side is recorded:", d.Side)
		r.w.nested = true
		r.w.change()
		r.w.send() //nolint:contextcheck // a run has no context
		r.w.nested = false
	}
	return r.Placements.Decide(ctx, of, requestID, d)
}

// tooOld is the code of a refusal that tells the client to look at its orders.
const tooOld = "request_too_old"

// send sends the client's request.
func (w *world) send() {
	o, err := w.router.PlaceOrder(context.Background(), customer, request)
	if err != nil {
		w.did("the client sends the request: %v", err)
		var refusal *strangler.Refusal
		w.refused = w.refused || errors.As(err, &refusal) && refusal.Code != tooOld && len(w.shops.All) > 0
		return
	}
	w.did("the client sends the request: 201 %s", o.OrderID)
	w.addresses = append(w.addresses, o.OrderID)
}

// change changes the table to another setting, or opens or closes the circuit.
func (w *world) change() {
	c := w.pick(len(settings))
	if c == w.setting {
		w.shops.Open = !w.shops.Open
		w.did("the circuit to the new side: open %t", w.shops.Open)
		return
	}
	w.set(c)
}

func (w *world) set(setting int) {
	w.setting = setting
	settings[setting].set(&w.table)
	w.did("the table says %s", settings[setting].name)
}

// run runs the events of the client's choice, then checks the promises.
func (w *world) run() error {
	for range w.Events {
		w.event()
	}
	return w.check()
}

func (w *world) event() {
	events := []func(){w.send, w.change}
	if w.shops.Waiting() {
		events = append(events,
			func() { w.did("a late call takes effect"); w.shops.Deliver() },
			func() { w.did("a late call never takes effect"); w.shops.Drop() })
	} else if w.days == 0 && len(w.path) > 1 {
		events = append(events, func() { w.did("a day passes"); w.days++; w.clock.Advance(24*time.Hour + time.Minute) })
	}
	if len(w.addresses) > 0 && !w.cancelled {
		events = append(events, w.cancel)
	}
	events[w.pick(len(events))]()
}

func (w *world) cancel() {
	_, err := w.router.CancelOrder(context.Background(), customer, w.addresses[0], strangler.Cancellation{Note: "n"})
	w.cancelled = err == nil
	w.did("the client cancels %s: %v", w.addresses[0], err)
}

// check checks that the request has one order, which the client finds and can cancel in every mode,
// after everything is in order again.
func (w *world) check() error {
	w.quiet = true
	for w.shops.Waiting() {
		w.did("a late call takes effect")
		w.shops.Deliver()
	}
	if len(w.shops.All) > 1 {
		return errBroken{"a request places at most one order at both shops"}
	}
	w.shops.Open = false
	w.send()
	if w.refused {
		return errBroken{"a request that has an order is not refused"}
	}
	if len(w.shops.All) > 1 {
		return errBroken{"a request places at most one order at both shops, also after all faults"}
	}
	if len(w.shops.All) == 0 && w.days == 0 {
		return errBroken{"a request that is repeated is placed in the end"}
	}
	if slices.ContainsFunc(w.addresses, func(a string) bool { return a != w.addresses[0] }) {
		return errBroken{"a request has one address"}
	}
	for _, address := range w.addresses[:min(len(w.addresses), 1)] {
		if len(w.shops.All) != 1 || w.shops.All[0].Address() != address {
			return errBroken{"a client is told of an order only if there is one"}
		}
		if w.cancelled && !w.shops.All[0].Cancelled() {
			return errBroken{"a cancelled order stays cancelled"}
		}
	}
	end := fmt.Sprint(w.shops.All)
	if w.found[end] {
		return nil
	}
	w.found[end] = true
	for i := range same {
		w.set(i)
		if err := w.findable(); err != nil {
			return err
		}
	}
	return nil
}

// findable checks that the shops' orders can be read, listed and cancelled now. It cancels a copy.
func (w *world) findable() error {
	ctx := context.Background()
	for _, p := range w.shops.All {
		product := "1001"
		if p.Side == strangler.NewSide { // it may have been TEA when the order was placed
			product = w.table.ProductID(p.New.Items[0].SKU)
		}
		o, err := w.router.ReadOrder(ctx, customer, p.Address())
		if err != nil || o.OrderID != p.Address() || o.Total != "19.99" || len(o.Lines) != 1 ||
			o.Lines[0] != (strangler.Line{ProductID: product, Qty: 1, Price: "19.99"}) {
			return errBroken{"an order is readable at its address, with its lines and its money: " + fmt.Sprint(o, err)}
		}
		if again, _ := w.router.ReadOrder(ctx, customer, o.OrderID); again.State != o.State ||
			(o.State == strangler.StateCancelled) != p.Cancelled() {
			return errBroken{"an order has the state that its shop says"}
		}
		before := slices.Clone(w.shops.All)
		cancelled, err := w.router.CancelOrder(ctx, customer, p.Address(), strangler.Cancellation{Note: "n"})
		ok := err == nil && cancelled.State == strangler.StateCancelled && w.shops.All[0].Cancelled()
		w.shops.All = before
		if !ok {
			return errBroken{"an order is cancellable at its address: " + fmt.Sprint(err)}
		}
	}
	page, err := w.router.ListOrders(ctx, customer, "")
	if err != nil || page.NextPage != nil || len(page.Orders) != len(w.shops.All) {
		return errBroken{"the list has every order once: " + fmt.Sprint(page, err)}
	}
	return nil
}

// Print writes the report as text.
func (r Report) Print(to io.Writer) {
	fmt.Fprintf(to, "events per run     %d, faults up to %d\n", r.Events, r.Faults)
	fmt.Fprintf(to, "runs               %d, of these with faults %d\n", r.Runs, r.Lost)
	fmt.Fprintf(to, "placed             %d at the old shop, %d at the new side, %d of all by falling back\n",
		r.Placed[strangler.OldSide], r.Placed[strangler.NewSide], r.Fallbacks)
	fmt.Fprintf(to, "seconds            %.1f\n", r.Took.Seconds())
	if r.Broken == "" {
		fmt.Fprintln(to, "broken             0")
		return
	}
	fmt.Fprintf(to, "broken             %s\n      %s\n", r.Broken, strings.Join(r.Path, "\n      "))
}

// Prove searches and writes the result. ok is false if a run broke a promise.
func Prove(out io.Writer) (ok bool) {
	fmt.Fprintln(out, "\na request of an old client between two shops")
	r := Run(Options{Events: 4, Faults: 2}, time.Now)
	r.Print(out)
	return r.Broken == ""
}

// Defects are the mutants for interleave.Hunt.
func Defects() (all []interleave.Defect) {
	for _, m := range Mutants {
		all = append(all, interleave.Defect{Name: m.Name, Find: func() (string, int) {
			r := Run(Options{Events: 4, Faults: 1, Mutant: &m}, time.Now)
			return r.Broken, r.Runs
		}})
	}
	return all
}

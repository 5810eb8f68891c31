// Package sim runs the whole system in one process, driven by one seed, and checks its invariants.
//
// The state machines (through package asl), every function's handler and use cases, the
// subscriptions of template.yaml and the sandbox's payment provider and carrier are real. What AWS
// does between them is simulated: Lambda, DynamoDB streams, SNS, SQS, EventBridge, Step Functions'
// API, HTTP and time. A [World] is single-threaded. Each invocation is a coroutine that yields at
// every call that leaves the process, so calls can interleave in any order. Every order, time, id
// and fault comes from the seed: the same seed gives the same run, event by event.
//
// A run has three phases. Orders are placed, cancelled and repriced while faults strike. Then the
// faults stop, everything in progress ends and an operator follows the runbooks. Finally, when
// nothing changes any more, the invariants are checked; see invariants.go.
package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/host/wiring"
	"orderflow/internal/inventory"
	"orderflow/internal/notifications"
	"orderflow/internal/orders"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/memdb"
)

// World is one run.
type World struct {
	schedule
	*fate
	ids     identifiers
	seed    uint64
	options Options
	mutant  Mutant

	functions map[string]function.Handler
	stores    stores
	logs      map[string]*memdb.Log // of the stores, by service; of the gateway only its circuits are simulated
	orders    orders.Store          // what orders' functions use
	mails     notifications.Store   // likewise
	stock     inventory.Store       // likewise
	sagas     fulfilment.Engine
	parties   parties
	network   *network
	engine    sagas
	streams   map[string]*stream
	queues    map[string]*queue
	consumers []string // the queues' names, in a fixed order
	running   *invocation
	busy      map[string]int // running invocations, by function
	slots     int            // concurrent calls by Step Functions per function; 0: unlimited
	changes   int            // number of changes so far

	coroutines []*coroutine
	idle       []*coroutine // those without an invocation

	versions   *versions
	shop       shop
	stop       orders.Intake // an operator's stop of the intake, as soon as it is known to hold
	brokers    *brokers      // nil without them
	reconciled int           // charges that reconciliation voided
	notices    int           // notices of the payment provider
	refunds    int           // refunds on the provider's site
	flagged    int           // runs of reconciliation that reported refunds
	history    history
	report     *Report
	hash       hash.Hash64
	lines      []line
}

// Options are the parameters of a run besides its seed.
type Options struct {
	Orders   int           // number of orders
	Duration time.Duration // how long customers place orders and faults strike
	Record   bool          // keep the timeline
	Brokers  bool          // with reporting and the warehouse
	// OneProcess has the state machines executed by package workflow instead of Step Functions.
	OneProcess bool
}

type line struct {
	at    time.Duration
	order string
	text  string
}

func newWorld(seed uint64, o Options, d *Definitions, m Mutant) *World {
	c := newChance(seed)
	report := newReport()
	w := &World{
		seed: seed, options: o, mutant: m, fate: newFate(c, odds, report.Faults), schedule: schedule{now: epoch},
		functions: map[string]function.Handler{}, busy: map[string]int{}, streams: map[string]*stream{},
		queues: map[string]*queue{},
		report: report, hash: fnv.New64a(),
	}
	w.ids = identifiers{w, c}
	w.history = history{w: w, barriers: map[mark]barrier.Phase{}, mails: map[string][]*mail{},
		bounced: map[string]bool{},
		about:   map[string]string{}, booked: map[string]bool{}, accounts: map[string]*account{},
		attention: map[string]bool{}}
	w.network = &network{w: w, downUntil: map[string]time.Time{}}
	if o.OneProcess {
		w.engine = newProcesses(w, d)
	} else {
		w.engine = &engine{
			w: w, machines: hosted(d, w), executions: map[string]*execution{}, waiting: map[string]*execution{},
			hunted: map[string]bool{},
		}
	}
	w.versions = newVersions(w, seed)
	w.open()
	w.addQueues(d.Queues)
	if o.Brokers {
		w.brokers = newBrokers(w, d)
	}
	w.compose()
	return w
}

func (w *World) addQueues(settings map[string]*wiring.Queue) {
	for name, s := range settings {
		if s.Internal { // an edge's own, which changes nothing
			continue
		}
		w.queues[name] = &queue{w: w, function: name, Queue: *s, handled: map[string]int{}}
	}
	w.consumers = sortedKeys(w.queues)
}

// note adds a line to the timeline and to the digest by which runs are compared.
func (w *World) note(order, format string, args ...any) {
	if !w.options.Record {
		return
	}
	l := line{w.now.Sub(epoch), order, fmt.Sprintf(format, args...)}
	w.lines = append(w.lines, l)
	fmt.Fprintln(w.hash, l.at, l.order, l.text)
}

func (w *World) reach(path string) { w.report.Paths[path]++ }

func (w *World) violate(invariant, order, format string, args ...any) {
	v := Violation{Seed: w.seed, Invariant: invariant, Order: order, Text: fmt.Sprintf(format, args...)}
	w.note(order, "VIOLATION of %q: %s", invariant, v.Text)
	w.report.Violations = append(w.report.Violations, v)
}

// must is for our own values, whose encoding never fails.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// patience is the virtual time in which the world must come to rest, longer than any execution with
// its recovery.
const patience = 48 * time.Hour

// Run runs one seed.
func Run(seed uint64, o Options, d *Definitions, m Mutant) (*Report, *Timeline) {
	w := newWorld(seed, o, d, m)
	defer w.close()
	w.calm = true
	w.stockUp()
	w.rest(epoch.Add(time.Hour))

	w.calm = false
	if w.strikes(noSlot) {
		w.slots = 4 + w.IntN(6)
	}
	w.planVisits()
	w.planStop()
	w.runSchedules(d.Schedules)
	if w.brokers != nil {
		w.brokers.shelves.planShifts()
		w.brokers.planReports()
		w.runSchedules(d.brokers.Schedules)
	}
	w.pass(w.now.Add(o.Duration + time.Minute))

	w.calm, w.slots = true, 0
	w.note("", faultsStop)
	if stopped := w.now; !w.settle(stopped.Add(patience)) {
		w.violate("the world comes to rest", "", "something is still in progress %s after the faults stopped",
			w.now.Sub(stopped))
	}
	w.probe()
	if w.brokers != nil {
		w.brokers.compareRebuilt()
	}
	w.check()
	w.report.Seeds, w.report.Orders = 1, len(w.history.orders())
	return w.report, &Timeline{lines: w.lines, Digest: w.hash.Sum64()}
}

// shift is how long the sweeps run before their results are checked. Reconciliation skips charges
// younger than four hours.
const shift = 5 * time.Hour

// runSchedules invokes functions by their schedules.
func (w *World) runSchedules(schedules []wiring.Schedule) {
	for _, s := range schedules {
		if w.mutant.withoutRecovery {
			continue
		}
		w.every(s.Every, func() {
			w.invoke(s.Function, "", s.Input, func(out []byte, err error) { w.swept(s.Function, out, err) })
		})
	}
}

// swept checks the result of a sweep. Reconciliation must find only voids that the provider lost,
// charges of orders that wait for an operator, refunds made at the provider by hand, each reported
// once, and charges of confirmed orders while the event that says so waits for an operator: reports
// of that time are not counted.
func (w *World) swept(function string, out []byte, err error) {
	var found struct{ Overdue, Voided, Flagged int }
	if err == nil {
		_ = json.Unmarshal(out, &found) // a relay answers nothing
	}
	if found.Overdue > 0 {
		w.reach(function + " found something overdue")
	}
	if w.reconciled += found.Voided; found.Voided > 0 {
		w.reach("reconciliation refunded a charge")
	}
	if err != nil && strings.Contains(err.Error(), "ChargesUnreconciled") && !w.confirmationParked() {
		w.flagged++
		w.reach("reconciliation reported a refund")
	}
	lost, waiting := len(w.parties.forgotten), len(w.history.attention)
	if w.reconciled > lost+waiting || w.flagged > w.refunds {
		w.violate("reconciliation finds no faults of ours", "",
			"it voided %d charges, the provider lost %d, %d orders needed attention; it reported %d, for %d refunds",
			w.reconciled, lost, waiting, w.flagged, w.refunds)
	}
}

// confirmationParked reports whether payments does not know that an order is confirmed, since the
// event is in its dead-letter queue.
func (w *World) confirmationParked() bool {
	return slices.ContainsFunc(w.queues["project-order"].dead, func(m *message) bool {
		return w.order(m.about).Status == orders.StatusConfirmed
	})
}

// settle lets everything in progress finish, and runs sweeps and the operator's part until nothing
// changes. It reports whether that happened before the deadline.
func (w *World) settle(deadline time.Time) bool {
	for w.now.Before(deadline) {
		before := w.changes
		if !w.rest(deadline) {
			return false
		}
		w.pass(w.now.Add(shift))
		if !w.rest(deadline) {
			return false
		}
		w.stranded()
		w.repair()
		w.pass(w.now.Add(shift))
		if w.changes == before {
			return true
		}
	}
	return false
}

// stranded checks, after the sweeps and before the operator's part, that the operator can see every
// order that is stuck: it needs attention, or a message about it is in a dead-letter queue.
// Otherwise a customer's cancellation would be accepted and nothing would happen.
func (w *World) stranded() {
	deadLetters := map[string]bool{}
	for _, q := range w.queues {
		for _, m := range q.dead {
			deadLetters[m.about] = true
		}
	}
	for _, id := range w.history.orders() {
		if o := w.order(id); o.Status == orders.StatusPending && !deadLetters[id] {
			w.violate("a stuck order is visible to operators", id, "nothing works on it, but it is still PENDING")
		}
	}
}

// repair is the operator's part: it redrives dead messages and retries the compensation of orders
// that are not final or that recovery gave up.
func (w *World) repair() {
	given := map[string]bool{}
	for _, m := range w.queues["recover-fulfilment"].dead {
		given[m.about] = true
	}
	for _, name := range w.consumers {
		w.changes += w.queues[name].redrive()
	}
	if w.brokers != nil {
		w.brokers.goOn()
	}
	if w.mutant.withoutRecovery {
		return
	}
	for _, id := range w.history.orders() {
		if w.order(id).Status.Final() && !given[id] {
			continue
		}
		w.retry(id)
	}
}

func (w *World) retry(id string) {
	service := fulfilment.New(w.engine)
	name, err := service.RetryCompensation(context.Background(), id, "simulation", "the order is not final")
	if err == nil {
		w.note(id, "an operator retries its compensation: %s", name)
		w.reach("an operator retried a compensation")
	}
}

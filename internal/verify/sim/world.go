// Package sim runs the whole system in one process, under one seed, and looks whether it keeps its promises.
//
// Real are the state machines (their files, through package asl), every function's handler with its use cases, the
// subscriptions of template.yaml, and the sandbox's payment provider and carrier. Simulated is what AWS does between them:
// Lambda, DynamoDB's stream, SNS, SQS, EventBridge, Step Functions' API, HTTP and time. A [World] is single-threaded. Each
// invocation is a coroutine that gives up control at every call that leaves the process, so any order of calls can
// happen, and every order, time, id and misfortune comes from the seed: the same seed is the same run, event by event.
//
// A run has three phases. Orders are placed, cancelled and repriced while faults strike. Then the faults stop, what was
// begun comes to its end, and an operator does what the runbooks say. At last nothing moves any more,
// and the invariants are looked at; see invariants.go.
package sim

import (
	"encoding/json"
	"fmt"
	"hash"
	"hash/fnv"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/function"
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
	parties   parties
	network   *network
	engine    *engine
	streams   map[string]*stream
	queues    map[string]*queue
	consumers []string // the queues' names, in a fixed order
	running   *invocation
	busy      map[string]int // invocations under way, by function
	slots     int            // how many of a function may be, that Step Functions calls; 0 for any number
	changes   int            // grows with whatever happens that is more than looking

	versions   *versions
	shop       shop
	reconciled int // charges that reconciliation gave back
	told       int // notices of the payment provider
	refunds    int // what somebody gave back on the provider's own site
	flagged    int // runs of reconciliation that told an operator
	history    history
	report     *Report
	hash       hash.Hash64
	lines      []line
}

// Options are what a run is given besides its seed.
type Options struct {
	// Orders is how many customers come.
	Orders int
	// Duration is for how long they come, and faults strike.
	Duration time.Duration
	// Record keeps the timeline.
	Record bool
}

// line is one line of the timeline.
type line struct {
	at    time.Duration
	order string
	text  string
}

func newWorld(seed uint64, o Options, d *Definitions, m Mutant) *World {
	c := newChance(seed)
	w := &World{
		seed: seed, options: o, mutant: m, fate: newFate(c), schedule: schedule{now: epoch},
		functions: map[string]function.Handler{}, busy: map[string]int{}, streams: map[string]*stream{}, queues: map[string]*queue{},
		report: newReport(), hash: fnv.New64a(),
	}
	w.ids = identifiers{w, c}
	w.history = history{w: w, barriers: map[string]map[barrier.Key]barrier.Phase{}, mails: map[string][]*mail{}, bounced: map[string]bool{},
		about: map[string]string{}, booked: map[string]bool{}, accounts: map[string]*account{}}
	w.network = &network{w: w, downUntil: map[string]time.Time{}}
	w.engine = &engine{w: w, machines: d.machines, executions: map[string]*execution{}, waiting: map[string]*execution{}, hunted: map[string]bool{}}
	w.consumers = sortedKeys(d.wiring.queues)
	for _, name := range w.consumers {
		w.queues[name] = &queue{w: w, function: name, queueSettings: d.wiring.queues[name], handled: map[string]int{}}
	}
	w.versions = newVersions(w, seed)
	w.open()
	w.compose()
	return w
}

// note adds a line to the timeline, and to the digest by which two runs are compared.
func (w *World) note(order, format string, args ...any) {
	if !w.options.Record {
		return
	}
	l := line{w.now.Sub(epoch), order, fmt.Sprintf(format, args...)}
	w.lines = append(w.lines, l)
	fmt.Fprintln(w.hash, l.at, l.order, l.text)
}

// reach notes that the run came by a path that is worth coming by.
func (w *World) reach(path string) { w.report.Paths[path]++ }

// violate notes that a promise is broken.
func (w *World) violate(invariant, order, format string, args ...any) {
	v := Violation{Seed: w.seed, Invariant: invariant, Order: order, Text: fmt.Sprintf(format, args...)}
	w.note(order, "VIOLATION of %q: %s", invariant, v.Text)
	w.report.Violations = append(w.report.Violations, v)
}

// field reads one string of a JSON object; "" where there is none.
func field(b []byte, name string) string {
	var object map[string]json.RawMessage
	var s string
	_ = json.Unmarshal(b, &object)
	_ = json.Unmarshal(object[name], &s)
	return s
}

// must is for values of the simulation's own that can always be encoded.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var _ fulfilment.Engine = (*engine)(nil)

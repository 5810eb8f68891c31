package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

// Machine is a state machine that an engine runs.
type Machine struct {
	Definition *asl.Machine
	// Express executions are not stored, and their names need not be unique.
	Express bool
}

// Call calls a function. It returns at once, and calls reply once with the function's answer. The
// error of a function that fails is a messages.InvokeResponse_Error.
type Call func(ctx context.Context, function string, payload json.RawMessage, reply func([]byte, error))

// Blocking makes a Call of a function that returns with the answer.
func Blocking(invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)) Call {
	return func(ctx context.Context, function string, payload json.RawMessage, reply func([]byte, error)) {
		go func() { reply(invoke(ctx, function, payload)) }()
	}
}

// Options configure an engine.
type Options struct {
	// Machines are the state machines by name, by which their definitions start each other.
	Machines map[string]Machine
	Call     Call
	Journal  Journal
	// Owner names this process in the lease. Two processes must have different names.
	Owner string
	// Ended is called for each Standard execution that did not succeed, like EventBridge. It is
	// called again if it fails, or if the process ends meanwhile. May be nil.
	Ended func(ctx context.Context, x Execution) error
	// Lease is how long a process may be silent before another one takes over; 0 means 5 s.
	Lease time.Duration
	// Limit is how many Standard executions may run; 10,000 if 0.
	Limit int

	// Clock, After and Between provide time and randomness; nil means the system's. After calls do
	// after a while, unless the function that it returns was called before.
	Clock   clock.Clock
	After   func(d time.Duration, do func()) (stop func())
	Between func(least, most time.Duration) time.Duration
}

// Engine executes state machines. Use New; it is safe for concurrent use. It does nothing until
// Run, or Lead, has obtained the lease.
type Engine struct {
	o Options

	mu       sync.Mutex
	runs     map[string]*run // by id; those of Express machines by a number
	standard int             // of the runs; not those of Express machines
	children int             // started so far
	until    time.Time       // end of the lease
	swept    time.Time       // when open executions were last looked for
	term     context.Context // ends with the lease; nil without it
	resign   context.CancelFunc
	draining bool
	parked   bool          // it has drained, and no longer drives anything
	rested   chan struct{} // closed when the last execution has left a draining engine
}

// New returns an engine.
func New(o Options) *Engine {
	e := &Engine{o: o, runs: map[string]*run{}, rested: make(chan struct{})}
	if e.o.Lease == 0 {
		e.o.Lease = 5 * time.Second
	}
	if e.o.Limit == 0 {
		e.o.Limit = 10_000
	}
	if e.o.Clock == nil {
		e.o.Clock = clock.System{}
	}
	if e.o.After == nil {
		e.o.After = func(d time.Duration, do func()) func() {
			t := time.AfterFunc(d, do)
			return func() { t.Stop() }
		}
	}
	if e.o.Between == nil {
		e.o.Between = func(least, most time.Duration) time.Duration {
			return least + time.Duration(rand.Int64N(int64(most-least)+1)) //nolint:gosec // jitter, not a secret
		}
	}
	e.o.Machines = map[string]Machine{}
	for name, m := range o.Machines {
		e.o.Machines[name] = Machine{m.Definition.Hosted(name, e.o.Clock.Now), m.Express}
	}
	return e
}

// Start starts an execution. It also succeeds if the execution is already running with the same
// input; otherwise it fails with ErrExists. Names must not have a slash.
func (e *Engine) Start(ctx context.Context, machine, name string, input json.RawMessage) error {
	e.mu.Lock()
	draining, full := e.draining, e.standard >= e.o.Limit
	e.mu.Unlock()
	switch {
	case draining:
		return ErrDraining
	case full:
		return ErrBusy
	}
	return e.start(ctx, machine, name, input)
}

func (e *Engine) start(ctx context.Context, machine, name string, input json.RawMessage) error {
	m, ok := e.o.Machines[machine]
	switch {
	case !ok:
		return errNoMachine
	case strings.Contains(name, "/"):
		return errName
	}
	r, other, err := e.enlist(machine, name, m.Express)
	switch {
	case err != nil:
		return err
	case other != nil:
		return other.same(input)
	}
	defer r.mu.Unlock()
	now := e.o.Clock.Now()
	r.kept = Execution{Machine: machine, Name: name, Status: Running, Input: input, Started: now}
	x := m.Definition.Start(name, input)
	err = r.write(ctx, x, append([]Event{{At: now, Kind: "ExecutionStarted"}}, events(nil, x, Event{}, now)...))
	if err == nil {
		return nil
	}
	r.leave()
	if !errors.Is(err, fault.ErrLostRace) {
		return ErrBusy.Because(err)
	}
	stored, err := e.o.Journal.Execution(ctx, machine, name)
	if err != nil {
		return ErrBusy.Because(err)
	}
	if stored.Status != Running || string(stored.Input) != string(input) {
		return ErrExists
	}
	e.adoptSoon(r.term, machine, name) //nolint:contextcheck // the engine continues after the caller has returned
	return nil
}

// enlist adds a locked run, unless there is one of this execution already.
func (e *Engine) enlist(machine, name string, express bool) (r, other *run, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := ID(machine, name)
	if express {
		e.children++
		id = strconv.Itoa(e.children)
	}
	switch {
	case e.parked:
		return nil, nil, ErrDraining
	case !e.leads():
		return nil, nil, ErrNotLeading
	case e.runs[id] != nil:
		return nil, e.runs[id], nil
	}
	r = &run{e: e, id: id, term: e.term, express: express}
	r.mu.Lock()
	e.runs[id] = r
	if !express {
		e.standard++
	}
	return r, nil, nil
}

// Succeed ends the task that waits with a token, or fails with ErrStaleToken.
func (e *Engine) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	if !json.Valid(output) {
		return errOutput
	}
	return e.answer(ctx, token, Event{Kind: taskSucceeded, Output: output},
		func(x *asl.Execution) error { return x.Succeed(output) })
}

// Fail ends the task that waits with a token with an error, or fails with ErrStaleToken.
func (e *Engine) Fail(ctx context.Context, token, name, cause string) error {
	return e.answer(ctx, token, Event{Kind: taskFailed, Error: name, Cause: cause},
		func(x *asl.Execution) error { return x.Fail(name, cause) })
}

// answer ends the task that waits with a token. A token begins with the execution's id, so an
// execution that this process does not have yet is taken over first.
func (e *Engine) answer(ctx context.Context, token string, with Event, apply func(*asl.Execution) error) error {
	machine, rest, _ := strings.Cut(token, "/")
	name, _, _ := strings.Cut(rest, "/")
	if _, ours := e.o.Machines[machine]; !ours {
		return ErrStaleToken
	}
	r, err := e.adopt(ctx, machine, name)
	if errors.Is(err, ErrNone) || err == nil && r == nil {
		return ErrStaleToken
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone: // perhaps it was not even read
		return ErrBusy
	case r.kept.Status != Running:
		return ErrStaleToken
	case r.x.Awaited() != token:
		return r.stale(ctx)
	}
	return r.transition(ctx, with, apply)
}

// Stop aborts an execution. It changes nothing if that has ended, and fails with ErrNone if there
// is none.
func (e *Engine) Stop(ctx context.Context, machine, name, errorName, cause string) error {
	r, err := e.adopt(ctx, machine, name)
	if err != nil || r == nil {
		return err
	}
	return r.stop(ctx, asl.Aborted, errorName, cause)
}

// Size returns the number of executions in memory: those that run here, and their children.
func (e *Engine) Size() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.runs)
}

// Describe returns an execution, or fails with ErrNone. Express executions are not found.
func (e *Engine) Describe(ctx context.Context, machine, name string) (Execution, error) {
	return e.o.Journal.Execution(ctx, machine, name)
}

// Timeout returns the timeout of a task of a machine, or 0.
func (e *Engine) Timeout(machine, state string) time.Duration {
	m, ok := e.o.Machines[machine]
	if !ok || m.Definition.States[state] == nil {
		return 0
	}
	return m.Definition.States[state].Timeout
}

// Open lists the executions that run, and those whose end has to be announced. It may miss the
// latest changes.
func (e *Engine) Open(ctx context.Context) (open []Execution, err error) {
	var failed error
	err = e.o.Journal.Open(ctx, e.o.Clock.Now().Add(time.Hour), func(machine, name string) {
		x, err := e.o.Journal.Execution(ctx, machine, name)
		if err == nil && x.Open() {
			open = append(open, x)
		}
		failed = errors.Join(failed, err)
	})
	return open, errors.Join(err, failed)
}

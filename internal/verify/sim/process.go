package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/memory"
)

// The faults of processes that execute the state machines themselves.
var (
	processOdds = map[Fault]float64{}

	diesBefore     = newProcessFault(.006, "process died before it wrote a transition")
	diesAfter      = newProcessFault(.01, "process died between writing and doing")
	frozen         = newProcessFault(.005, "process stood still")
	clockBehind    = newProcessFault(.6, "process that stood still believes in its lease")
	journalRefused = newProcessFault(.015, "journal refused a write")
	journalUnheard = newProcessFault(.015, "journal's answer lost")
	journalUnread  = newProcessFault(.01, "journal does not answer")
	wrongProcess   = newProcessFault(.05, "call to the process that does not drive")
)

func newProcessFault(probability float64, name string) Fault {
	processOdds[Fault(name)] = probability
	return Fault(name)
}

// processPaths must be reached in runs with processes.
var processPaths = []string{
	"a process took the lease over", "two processes drove at once", "a write of an old process was refused",
	"fulfil-order ended SUCCEEDED", "fulfil-order ended ABORTED", "compensate-order ended SUCCEEDED",
	"compensate-order ended FAILED",
}

// processes are two processes that take turns executing the state machines with package workflow,
// and share a journal; see fulfilment.Engine. A run has them instead of Step Functions if
// Options.OneProcess is set. A process that dies loses its memory; the functions that it has called
// continue. One that stands still later continues where it was.
type processes struct {
	w        *World
	machines map[string]workflow.Machine
	journal  *memory.Journal
	begun    []workflow.Execution // the first versions
	slots    [2]*process
	started  int // processes so far
	// steps lists where an execution must be before a function is called: in a state of a Standard
	// machine. Of children only the first step is known.
	steps map[string][]string
}

type process struct {
	*workflow.Engine
	all    *processes
	owner  string
	dead   bool
	still  time.Time     // it stands still until then
	behind time.Duration // how much its clock is
}

func newProcesses(w *World, d *Definitions) *processes {
	for kind, p := range newFate(newChance(w.seed+3), processOdds, nil).odds {
		w.odds[kind] = p
	}
	p := &processes{
		w: w, machines: map[string]workflow.Machine{}, journal: memory.New(math.MaxInt), steps: map[string][]string{},
	}
	for name, m := range d.machines {
		p.machines[string(name)] = workflow.Machine{Definition: m, Express: slices.Contains(children, name)}
	}
	for name, m := range p.machines {
		if m.Express {
			continue
		}
		for _, s := range m.Definition.States {
			where, called := name+"/"+s.Name, s.Target
			if child, ok := p.machines[called]; ok && child.Express {
				called = child.Definition.States[child.Definition.StartAt].Target
			}
			p.steps[called] = append(p.steps[called], where)
		}
	}
	for i := range p.slots {
		p.begin(i)
		w.every(1500*time.Millisecond+time.Duration(i)*200*time.Millisecond, func() { p.slots[i].lead(i) })
	}
	return p
}

// begin starts a process in a slot.
func (p *processes) begin(slot int) {
	p.started++
	w, one := p.w, &process{all: p, owner: fmt.Sprint("process ", p.started)}
	var j workflow.Journal = journalOf{one, p.journal}
	if w.mutant.journal != nil {
		j = w.mutant.journal(w, j)
	}
	one.Engine = workflow.New(workflow.Options{
		Machines: p.machines, Call: one.call, Journal: j, Owner: one.owner, Clock: one, After: one.after,
		Between: func(least, most time.Duration) time.Duration { return w.between(least, most+1) },
		Ended: func(_ context.Context, x workflow.Execution) error {
			w.statusChanged(fulfilment.Machine(x.Machine), x.Name, orderOf(x), x.Status)
			return nil
		},
	})
	p.slots[slot] = one
}

// lead renews the lease, or replaces a process that has died.
func (one *process) lead(slot int) {
	w := one.all.w
	switch {
	case one.dead:
		one.all.begin(slot)
	case w.now.Before(one.still):
	case w.strikes(frozen):
		one.still, one.behind = w.now.Add(w.between(2*time.Second, 20*time.Second)), 0
		if w.strikes(clockBehind) {
			one.behind = one.still.Sub(w.now)
		}
		w.note("", "%s stands still, clock behind by %s", one.owner, one.behind)
	default:
		led := one.Leads()
		if w.now.Sub(one.still) > 10*time.Second || w.calm {
			one.behind = 0
		}
		held, _ := one.Lead(context.Background()) // an error is a fault
		if held && !led {
			w.reach("a process took the lease over")
			w.note("", "%s has the lease", one.owner)
		}
	}
}

// Now is the clock of the process.
func (one *process) Now() time.Time { return one.all.w.now.Add(-one.behind) }

// after does something once the process no longer stands still, if it is alive.
func (one *process) after(d time.Duration, do func()) (stop func()) {
	stopped := false
	var due func()
	due = func() {
		switch w := one.all.w; {
		case stopped, one.dead:
		case w.now.Before(one.still):
			w.after(one.still.Sub(w.now), due)
		default:
			do()
		}
	}
	one.all.w.after(d, due)
	return func() { stopped = true }
}

func (one *process) die() error {
	one.dead = true
	one.all.w.note("", "%s dies", one.owner)
	return errors.New("simulated: the process has died")
}

// call calls a function, whose process may not outlive it.
func (one *process) call(_ context.Context, function string, payload json.RawMessage, reply func([]byte, error)) {
	w, order := one.all.w, rawjson.String(payload, "orderId")
	if one.dead {
		return
	}
	where := one.all.steps[function]
	if where != nil && one.behind == 0 && !one.all.isIn(order, where) { //nolint:contextcheck // memory needs none
		w.violate("a step begins after its transition is written", order,
			"%s calls %s, but no execution is in %v", one.owner, function, where)
	}
	w.note(order, "%s calls %s", one.owner, function)
	//nolint:contextcheck // an invocation outlives the call
	w.step(function, order, payload, func(out []byte, errorName, cause string) {
		one.after(0, func() {
			if errorName != "" {
				reply(nil, messages.InvokeResponse_Error{Type: errorName, Message: cause})
				return
			}
			reply(out, nil)
		})
	})
}

// isIn reports whether an execution of an order is in one of the states, given as machine/state.
func (p *processes) isIn(order string, where []string) bool {
	return slices.ContainsFunc(p.begun, func(x workflow.Execution) bool {
		if orderOf(x) != order {
			return false
		}
		x, _ = p.journal.Execution(context.Background(), x.Machine, x.Name)
		return x.Status == workflow.Running && slices.Contains(where, x.Machine+"/"+x.Position.State)
	})
}

func orderOf(x workflow.Execution) string { return rawjson.String(x.Input, "orderId") }

// journalOf is the journal as one process accesses it.
type journalOf struct {
	one *process
	*memory.Journal
}

// unread returns an error if the journal does not answer.
func (j journalOf) unread() error {
	switch {
	case j.one.dead:
		return j.one.die()
	case j.one.all.w.strikes(journalUnread):
		return errors.New("simulated: the journal does not answer")
	}
	return nil
}

// Execution is part of workflow.Journal.
func (j journalOf) Execution(ctx context.Context, machine, name string) (workflow.Execution, error) {
	if err := j.unread(); err != nil {
		return workflow.Execution{}, err
	}
	return j.Journal.Execution(ctx, machine, name)
}

// Lease is part of workflow.Journal.
func (j journalOf) Lease(ctx context.Context) (workflow.Lease, error) {
	if err := j.unread(); err != nil {
		return workflow.Lease{}, err
	}
	return j.Journal.Lease(ctx)
}

// Save is part of workflow.Journal.
func (j journalOf) Save(ctx context.Context, x workflow.Execution) error {
	w := j.one.all.w
	switch {
	case j.one.dead, w.strikes(diesBefore):
		return j.one.die()
	case w.strikes(journalRefused):
		return errors.New("simulated: the journal refuses")
	}
	before, _ := j.Journal.Execution(ctx, x.Machine, x.Name)
	if err := j.Journal.Save(ctx, x); err != nil {
		if before.Version > 0 && x.Version > 1 {
			w.reach("a write of an old process was refused")
		}
		return err
	}
	j.saw(ctx, before, x)
	switch {
	case w.strikes(diesAfter):
		return j.one.die()
	case w.strikes(journalUnheard):
		return errors.New("simulated: the journal's answer is lost")
	}
	return nil
}

// saw checks a write that the journal accepted.
func (j journalOf) saw(ctx context.Context, before, x workflow.Execution) {
	p, w, order := j.one.all, j.one.all.w, orderOf(x)
	id, _ := x.Identity()
	if before.Version == 0 {
		p.begun = append(p.begun, x)
		w.changes++
		w.note(order, "%s begins", id)
		p.abort(x) //nolint:contextcheck // as above
	}
	same := func(a, b workflow.Event) bool { return a.Kind == b.Kind && a.State == b.State && a.At.Equal(b.At) }
	if n := len(before.History); n > len(x.History) || !slices.EqualFunc(before.History, x.History[:n], same) {
		w.violate("an execution takes each transition once", order, "%s writes over what another process wrote of %s",
			j.one.owner, id)
	}
	lease, _ := j.Journal.Lease(ctx)
	switch other := lease.Owner != j.one.owner; {
	case other && j.one.behind > 0:
		w.reach("two processes drove at once")
	case other:
		w.violate("only who has the lease drives", order, "%s drives %s, but %s has it", j.one.owner, id, lease.Owner)
	}
	if before.Status != x.Status && x.Status != workflow.Running {
		w.note(order, "%s ends %s %s", id, x.Status, x.Error)
		w.reach(x.Machine + " ended " + string(x.Status))
	}
}

// abort ends an execution from outside, if that fault strikes.
func (p *processes) abort(x workflow.Execution) {
	if p.w.strikes(aborted) {
		p.w.after(p.w.between(0, 30*time.Second), func() {
			_ = p.leader().Stop(context.Background(), x.Machine, x.Name, "", "") // it may have ended
		})
	}
}

// leader returns the process that holds the lease, or another one if that fault strikes.
func (p *processes) leader() *process {
	first, second := p.slots[0], p.slots[1]
	if second.drives() != p.w.strikes(wrongProcess) {
		return second
	}
	return first
}

func (one *process) drives() bool {
	return !one.dead && !one.all.w.now.Before(one.still) && one.Leads()
}

// Start is part of fulfilment.Engine. What it has promised survives every process.
func (p *processes) Start(ctx context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	return p.w.remote(startRefused, startUnheard, func() error {
		err := renamed(p.leader().Start(context.WithoutCancel(ctx), string(machine), name, input))
		if _, none := p.journal.Execution(ctx, string(machine), name); err == nil && none != nil {
			p.w.violate("what was promised is written", rawjson.String(input, "orderId"), "%s %s is not", machine, name)
		}
		return err
	})
}

// Input is part of fulfilment.Engine.
func (p *processes) Input(ctx context.Context, machine fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := p.Execution(ctx, machine, name)
	return x.Input, err
}

// Execution is part of fulfilment.Engine.
func (p *processes) Execution(
	ctx context.Context, machine fulfilment.Machine, name string,
) (found fulfilment.Execution, err error) {
	return found, p.w.remote(startRefused, startRefused, func() error {
		x, err := p.leader().Describe(ctx, string(machine), name)
		found = fulfilment.Execution{Status: fulfilment.Status(x.Status), Error: x.Error, Input: x.Input}
		return renamed(err)
	})
}

// Succeed is part of fulfilment.Engine.
func (p *processes) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	return p.answer(ctx, token, func(e *process) error { return e.Succeed(context.WithoutCancel(ctx), token, output) })
}

// Fail is part of fulfilment.Engine.
func (p *processes) Fail(ctx context.Context, token, name, cause string) error {
	fail := func(e *process) error { return e.Fail(context.WithoutCancel(ctx), token, name, cause) }
	return p.answer(ctx, token, fail)
}

func (p *processes) answer(ctx context.Context, token string, do func(*process) error) error {
	return p.w.remote(answerRefused, answerUnheard, func() error {
		err := renamed(do(p.leader()))
		part := strings.Split(token, "/")
		x, _ := p.journal.Execution(ctx, part[0], part[1])
		waits := x.Status == workflow.Running && x.Position.State == part[2] && x.Position.MaxWait == 0 &&
			fmt.Sprint(x.Position.Attempt+1) == part[3]
		switch {
		case err == nil && waits:
			p.w.violate("what was promised is written", orderOf(x), "the answer to %s is not", token)
		case errors.Is(err, fulfilment.ErrStaleToken) && waits:
			p.w.violate("no answer is refused that is waited for", orderOf(x), "%s", token)
		}
		return err
	})
}

// renamed returns the engine's errors as fulfilment knows them.
func renamed(err error) error {
	for from, to := range map[error]error{
		workflow.ErrExists: fulfilment.ErrExists, workflow.ErrNone: fulfilment.ErrNoExecution,
		workflow.ErrStaleToken: fulfilment.ErrStaleToken,
	} {
		if errors.Is(err, from) {
			return to
		}
	}
	return err
}

// runs lists the executions of the Standard machines.
func (p *processes) runs() []sagaRun {
	all := make([]sagaRun, len(p.begun))
	for i, x := range p.begun {
		x, _ = p.journal.Execution(context.Background(), x.Machine, x.Name)
		last := ""
		for _, e := range x.History {
			if strings.HasSuffix(e.Kind, "StateEntered") {
				last = e.State
			}
		}
		all[i] = sagaRun{
			machine: fulfilment.Machine(x.Machine), name: x.Name, order: orderOf(x), input: x.Input,
			over: x.Status != workflow.Running, end: asl.Done{Status: x.Status, Error: x.Error, LastState: last},
		}
	}
	return all
}

package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/platform/resilience"
)

// engine is Step Functions: the interpreter with the real definitions; see fulfilment.Engine.
type engine struct {
	w          *World
	machines   map[fulfilment.Machine]*asl.Machine
	executions map[string]*execution // by machine and name
	all        []*execution
	waiting    map[string]*execution // by task token
	hunted     map[string]bool       // orders whose compensations are all aborted
}

// sagas are the executions of the state machines, and the engine that runs them.
type sagas interface {
	fulfilment.Engine
	runs() []sagaRun
}

// hosted returns the machines whose states are entered at the time of a clock.
func hosted(d *Definitions, c clock.Clock) map[fulfilment.Machine]*asl.Machine {
	machines := map[fulfilment.Machine]*asl.Machine{}
	for name, m := range d.machines {
		machines[name] = m.Hosted(string(name), c.Now)
	}
	return machines
}

// sagaRun is an execution and its state.
type sagaRun struct {
	machine fulfilment.Machine
	name    string
	order   string
	input   json.RawMessage
	over    bool
	end     asl.Done // if it is not over, only LastState
}

func (x sagaRun) String() string { return string(x.machine) + " " + x.name }

// givenUp marks the input of a compensation that leaves its order to an operator.
const givenUp = `"failures":`

type execution struct {
	machine fulfilment.Machine
	name    string
	run     *asl.Execution
	turn    int // number of effects; answers to older ones are dropped
	order   string
	express bool   // a child of another, which waits for its answer by task token
	failed  string // the error of its last step
	// refused counts by state and error how often a function or a third party was not called.
	refused map[string]int
	// fated is the turn at which it is ended from outside, with status fate; 0 for never.
	fated int
	fate  asl.Status
}

// Start starts an execution.
func (e *engine) Start(_ context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	//nolint:contextcheck // an execution outlives the call
	start := func() error { return e.start(machine, name, input) }
	return e.w.remote(startRefused, startUnheard, start)
}

// start behaves like AWS: starting a running execution again, with the same input, succeeds.
func (e *engine) start(machine fulfilment.Machine, name string, input json.RawMessage) error {
	key := string(machine) + "/" + name
	if x, ok := e.executions[key]; ok {
		if d := x.described(); d.Status == fulfilment.Running && string(d.Input) == string(input) {
			return nil
		}
		e.w.reach(string(machine) + " was started twice, and ran once")
		return fulfilment.ErrExists
	}
	e.executions[key] = e.begin(machine, name, input)
	if bytes.Contains(input, []byte(givenUp)) {
		e.w.reach("recovery gave up a compensation")
	}
	return nil
}

func (e *engine) begin(machine fulfilment.Machine, name string, input json.RawMessage) *execution {
	x := &execution{
		machine: machine, name: name, order: rawjson.String(input, "orderId"), refused: map[string]int{},
		run: e.machines[machine].Start(name, input), express: slices.Contains(children, machine),
	}
	e.all = append(e.all, x)
	e.w.changes++
	e.w.note(x.order, "%s begins", x)
	e.limit(x)
	e.drive(x)
	return x
}

// beginChild begins an Express child, which runs at least once: its name is not unique.
func (e *engine) beginChild(start asl.StartExecution) {
	begin := func() { e.begin(fulfilment.Machine(start.MachineARN), start.Name, start.Input) }
	begin()
	if e.w.strikes(childTwice) {
		e.w.after(e.w.between(0, 5*time.Minute), begin)
	}
}

// Input returns an execution's input.
func (e *engine) Input(ctx context.Context, machine fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := e.Execution(ctx, machine, name)
	return x.Input, err
}

// Execution returns an execution.
func (e *engine) Execution(_ context.Context, machine fulfilment.Machine, name string) (fulfilment.Execution, error) {
	var found fulfilment.Execution
	return found, e.w.remote(startRefused, startRefused, func() error {
		x, ok := e.executions[string(machine)+"/"+name]
		if !ok {
			return fulfilment.ErrNoExecution
		}
		found = x.described()
		return nil
	})
}

// Succeed answers a waiting task.
func (e *engine) Succeed(_ context.Context, token string, output json.RawMessage) error {
	return e.w.remote(answerRefused, answerUnheard, func() error { //nolint:contextcheck // as with Start
		return e.answer(token, asl.AnswerTask{Output: output})
	})
}

// Fail ends a waiting task.
func (e *engine) Fail(_ context.Context, token, errorName, cause string) error {
	return e.w.remote(answerRefused, answerUnheard, func() error { //nolint:contextcheck // as with Start
		return e.answer(token, asl.AnswerTask{Error: errorName, Cause: cause})
	})
}

// answer answers the task that waits for a token.
func (e *engine) answer(token string, with asl.AnswerTask) error {
	x := e.waiting[token]
	if x == nil || x.run.Awaited() != token {
		e.w.reach("an answer came for a stale token")
		return fulfilment.ErrStaleToken
	}
	var err error
	if with.Error != "" {
		err = e.fail(x, with.Error, with.Cause)
	} else {
		err = x.run.Succeed(with.Output)
	}
	e.drive(x)
	return err
}

// fail fails the task of an execution. What was refused without a call must be retried for minutes;
// a child leaves that to its parent.
func (e *engine) fail(x *execution, name, cause string) error {
	state := x.run.State()
	e.w.note(x.order, "%s: %s fails: %s", x.machine, state, name)
	if _, step := x.run.Next().(asl.Invoke); step {
		x.failed = name
	}
	err := x.run.Fail(name, cause)
	if name != throttled && name != resilience.ErrOpen.Code || x.express {
		return err
	}
	if name == resilience.ErrOpen.Code {
		e.w.reach(fmt.Sprintf("%s waited for a circuit", x.machine))
	}
	key := state + " " + name
	x.refused[key]++
	if _, waits := x.run.Next().(asl.Sleep); !waits && x.refused[key] <= refusals {
		e.w.violate("a refused call is retried", x.order,
			"%s gives up %s after %d times %s", x.machine, state, x.refused[key], name)
	}
	return err
}

func (x *execution) described() fulfilment.Execution {
	if done, over := x.run.Next().(asl.Done); over {
		return fulfilment.Execution{Status: fulfilment.Status(done.Status), Error: done.Error, Input: x.run.Input()}
	}
	return fulfilment.Execution{Status: fulfilment.Running, Input: x.run.Input()}
}

func (x *execution) String() string { return string(x.machine) + " " + x.name }

// refusals is the minimum number of retries of a call that found no slot or an open circuit,
// whatever else fails.
const refusals = 15

// drive performs the next effect of an execution.
func (e *engine) drive(x *execution) {
	x.turn++
	turn, w := x.turn, e.w
	// answer continues the execution, unless it has already moved on.
	answer := func(how func() error) {
		if x.turn != turn {
			return
		}
		if err := how(); err != nil {
			w.violate("executions can continue", x.order, "%s: %v", x, err)
			return
		}
		e.drive(x)
	}
	fail := func(name, cause string) { answer(func() error { return e.fail(x, name, cause) }) }
	// call calls Step Functions itself, which may refuse, or do what it is asked without an answer.
	// do returns the name of its own error.
	call := func(service string, do func() (name string, err error)) {
		w.after(w.between(time.Millisecond, 50*time.Millisecond), func() {
			if x.turn != turn {
				return
			}
			if w.strikes(startRefused) {
				fail(service+".ThrottlingException", "simulated")
				return
			}
			name, err := do()
			switch {
			case err != nil:
				fail(name, err.Error())
			case w.strikes(startUnheard):
				fail(service+".SdkClientException", "simulated")
			case x.run.Awaited() == "":
				answer(func() error { return x.run.Succeed(json.RawMessage(`{}`)) })
			}
		})
	}
	if token := x.run.Awaited(); token != "" {
		e.waiting[token] = x
	}
	if x.turn == x.fated {
		w.after(w.between(0, 200*time.Millisecond), func() { e.stop(x, x.fate) })
	}
	switch effect := x.run.Next().(type) {
	case asl.Invoke:
		w.note(x.order, "%s: %s, attempt %d", x.machine, effect.State, effect.Attempt+1)
		w.after(effect.Timeout, func() { answer(func() error { return x.run.Fail(asl.ErrTimeout, "") }) })
		w.step(effect.Function, x.order, effect.Payload, func(out []byte, errorName, cause string) {
			switch {
			case errorName != "":
				fail(errorName, cause)
			case !effect.Callback:
				answer(func() error { return x.run.Succeed(out) })
			}
		})
	case asl.Sleep:
		w.reach("retried: " + effect.State)
		w.after(w.between(effect.Min, effect.Max+1), func() { answer(x.run.Wake) })
	case asl.StartExecution:
		if effect.Callback {
			w.after(effect.Timeout, func() { fail(asl.ErrTimeout, "") })
		}
		call("StepFunctions", func() (string, error) {
			if effect.Callback {
				e.beginChild(effect)
				return "", nil
			}
			err := e.start(fulfilment.Machine(effect.MachineARN), effect.Name, effect.Input)
			return "StepFunctions.ExecutionAlreadyExistsException", err
		})
	case asl.AnswerTask:
		if effect.Error != x.failed {
			w.violate("a child reports its step's error", x.order, "%s reports %q, not %q", x, effect.Error, x.failed)
		}
		call("Sfn", func() (string, error) {
			return "Sfn.TaskTimedOutException", e.answer(effect.Token, effect)
		})
	case asl.Done:
		w.note(x.order, "%s ends %s %s", x.machine, effect.Status, effect.Error)
		w.reach(string(x.machine) + " ended " + string(effect.Status))
		for _, state := range x.run.Trace() {
			w.reach(string(x.machine) + " " + state)
		}
		if !x.express { // EventBridge does not hear of them
			w.statusChanged(x.machine, x.name, x.order, effect.Status)
		}
	}
}

// limit ends an execution at its timeout, or earlier if a fault aborts it.
func (e *engine) limit(x *execution) {
	e.w.after(e.machines[x.machine].Timeout, func() { e.stop(x, asl.TimedOut) })
	undoes := x.machine == fulfilment.CompensateOrder && !bytes.Contains(x.run.Input(), []byte(givenUp))
	if undoes && !e.w.calm && (e.hunted[x.order] || e.w.strikes(hunted)) {
		e.hunted[x.order] = true
		x.fated, x.fate = 1+e.w.IntN(2), asl.Aborted
		return
	}
	switch {
	case x.express:
		if !e.w.calm && e.hunted[x.order] || e.w.strikes(childLost) {
			x.fated, x.fate = 1+e.w.IntN(5), asl.Aborted
		}
	case e.w.strikes(aborted):
		x.fated, x.fate = 1+e.w.IntN(10), asl.Aborted
	case e.w.strikes(timedOut):
		x.fated, x.fate = 1+e.w.IntN(10), asl.TimedOut
	}
}

func (e *engine) stop(x *execution, status asl.Status) {
	if x.run.Stop(status, "", "") == nil { // it was not over
		e.drive(x)
	}
}

// runs lists all executions.
func (e *engine) runs() []sagaRun {
	all := make([]sagaRun, len(e.all))
	for i, x := range e.all {
		end, over := x.run.Next().(asl.Done)
		if !over {
			end.LastState = x.run.State()
		}
		all[i] = sagaRun{machine: x.machine, name: x.name, order: x.order, input: x.run.Input(), over: over, end: end}
	}
	return all
}

// statusChanged is EventBridge with the rule for executions that did not succeed.
func (w *World) statusChanged(machine fulfilment.Machine, name, order string, status asl.Status) {
	if status == asl.Succeeded || w.mutant.withoutRecovery {
		return
	}
	q := w.queues["recover-fulfilment"]
	if w.strikes(noticeLost) { // the sweeps must find the order
		w.note(order, "the status notice is lost")
		return
	}
	const states = "arn:aws:states:eu-central-1:000000000000:"
	notice := must(json.Marshal(map[string]any{
		"version": "0", "id": w.ids.New(), "source": "aws.states", "time": w.Now(),
		"detail-type": "Step Functions Execution Status Change", "detail": map[string]any{
			"name": name, "status": status,
			"stateMachineArn": states + "stateMachine:orderflow-" + string(machine),
			"executionArn":    states + "execution:orderflow-" + string(machine) + ":" + name,
		},
	}))
	about := "status of " + string(machine) + " " + name
	q.send(order, about, notice)
	if w.strikes(noticeTwice) {
		q.send(order, about, notice)
	}
}

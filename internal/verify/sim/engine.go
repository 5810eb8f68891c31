package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/verify/asl"
)

// engine is Step Functions: the interpreter with the real definitions; see fulfilment.Engine.
type engine struct {
	w          *World
	machines   map[fulfilment.Machine]*asl.Machine
	executions map[string]*execution // by machine and name
	all        []*execution
	hunted     map[string]bool // orders whose compensations are all aborted
}

// givenUp marks the input of a compensation that leaves its order to an operator.
const givenUp = `"failures":`

type execution struct {
	machine fulfilment.Machine
	name    string
	run     *asl.Execution
	turn    int // number of effects; answers to older ones are dropped
	order   string
	// throttled counts by state how often there was no slot.
	throttled map[string]int
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
	x := &execution{
		machine: machine, name: name, order: rawjson.String(input, "orderId"), throttled: map[string]int{},
		run: e.machines[machine].Start(name, input),
	}
	e.executions[key] = x
	e.all = append(e.all, x)
	e.w.changes++
	e.w.note(x.order, "%s begins", x)
	if bytes.Contains(input, []byte(givenUp)) {
		e.w.reach("recovery gave up a compensation")
	}
	e.limit(x)
	e.drive(x)
	return nil
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
		return e.resume(token, func(x *execution) error { return x.run.Succeed(output) })
	})
}

// Fail ends a waiting task.
func (e *engine) Fail(_ context.Context, token, errorName, cause string) error {
	return e.w.remote(answerRefused, answerUnheard, func() error { //nolint:contextcheck // as with Start
		return e.resume(token, func(x *execution) error { return x.run.Fail(errorName, cause) })
	})
}

func (e *engine) resume(token string, answer func(*execution) error) error {
	for _, x := range e.all {
		if task, ok := x.run.Next().(asl.Invoke); ok && task.Callback && task.Token == token {
			err := answer(x)
			e.drive(x)
			return err
		}
	}
	e.w.reach("an answer came for a stale token")
	return fulfilment.ErrStaleToken
}

func (x *execution) described() fulfilment.Execution {
	if done, over := x.run.Next().(asl.Done); over {
		return fulfilment.Execution{Status: fulfilment.Status(done.Status), Error: done.Error, Input: x.run.Input()}
	}
	return fulfilment.Execution{Status: fulfilment.Running, Input: x.run.Input()}
}

func (x *execution) String() string { return string(x.machine) + " " + x.name }

// slotRetries is the minimum number of retries of a call that found no slot, whatever else fails.
const slotRetries = 15

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
	fail := func(name, cause string) {
		if name == resilience.ErrOpen.Code {
			w.reach(fmt.Sprintf("%s waited for a circuit", x.machine))
		}
		answer(func() error {
			state := x.run.State()
			w.note(x.order, "%s: %s fails: %s", x.machine, state, name)
			err := x.run.Fail(name, cause)
			if name != throttled {
				return err
			}
			x.throttled[state]++
			if _, waits := x.run.Next().(asl.Sleep); !waits && x.throttled[state] <= slotRetries {
				w.violate("a throttled call is retried", x.order,
					"%s gives up %s, which found no slot %d times", x.machine, state, x.throttled[state])
			}
			return err
		})
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
		w.after(w.between(time.Millisecond, 50*time.Millisecond), func() {
			if x.turn != turn {
				return
			}
			if w.strikes(startRefused) {
				fail("StepFunctions.ThrottlingException", "simulated")
				return
			}
			err := e.start(fulfilment.Machine(effect.MachineARN), effect.Name, effect.Input)
			switch {
			case err != nil:
				fail("StepFunctions.ExecutionAlreadyExistsException", err.Error())
			case w.strikes(startUnheard):
				fail("StepFunctions.SdkClientException", "simulated")
			default:
				answer(func() error { return x.run.Succeed(json.RawMessage(`{}`)) })
			}
		})
	case asl.Done:
		w.note(x.order, "%s ends %s %s", x.machine, effect.Status, effect.Error)
		w.reach(string(x.machine) + " ended " + string(effect.Status))
		for _, state := range x.run.Trace() {
			w.reach(string(x.machine) + " " + state)
		}
		w.statusChanged(x, effect)
	}
}

// limit ends an execution at its timeout, or earlier if a fault aborts it.
func (e *engine) limit(x *execution) {
	e.w.after(e.machines[x.machine].Timeout, func() { e.stop(x, asl.TimedOut) })
	undoes := x.machine == fulfilment.CompensateOrder && !bytes.Contains(x.run.Input(), []byte(givenUp))
	if undoes && !e.w.calm && (e.hunted[x.order] || e.w.strikes(hunted)) {
		e.hunted[x.order] = true
		x.fated, x.fate = 1+e.w.IntN(4), asl.Aborted
		return
	}
	switch {
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

// statusChanged is EventBridge with the rule for executions that did not succeed.
func (w *World) statusChanged(x *execution, done asl.Done) {
	if done.Status == asl.Succeeded || w.mutant.withoutRecovery {
		return
	}
	q := w.queues["recover-fulfilment"]
	if w.strikes(noticeLost) { // the sweeps must find the order
		w.note(x.order, "the status notice is lost")
		return
	}
	const states = "arn:aws:states:eu-central-1:000000000000:"
	notice := must(json.Marshal(map[string]any{
		"version": "0", "id": w.ids.New(), "source": "aws.states", "time": w.Now(),
		"detail-type": "Step Functions Execution Status Change", "detail": map[string]any{
			"name": x.name, "status": done.Status,
			"stateMachineArn": states + "stateMachine:orderflow-" + string(x.machine),
			"executionArn":    states + "execution:orderflow-" + string(x.machine) + ":" + x.name,
		},
	}))
	q.send(x.order, "status of "+x.String(), notice)
	if w.strikes(noticeTwice) {
		q.send(x.order, "status of "+x.String(), notice)
	}
}

package sim

import (
	"bytes"
	"context"
	"encoding/json"

	"orderflow/internal/fulfilment"
	"orderflow/internal/verify/asl"
)

// engine is Step Functions: the interpreter with the real definitions; see fulfilment.Engine.
type engine struct {
	w          *World
	machines   map[fulfilment.Machine]*asl.Machine
	executions map[string]*execution // by machine and name
	waiting    map[string]*execution // by task token
	all        []*execution
	hunted     map[string]bool // orders whose compensations are all aborted
}

// givenUp marks the input of a compensation that leaves its order to an operator.
const givenUp = `"failures":`

type execution struct {
	machine fulfilment.Machine
	name    string
	input   json.RawMessage
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
		if x.status() == fulfilment.Running && string(x.input) == string(input) {
			return nil
		}
		e.w.reach(string(machine) + " was started twice, and ran once")
		return fulfilment.ErrExists
	}
	x := &execution{
		machine: machine, name: name, input: input, order: field(input, "orderId"), throttled: map[string]int{},
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
	err := e.w.remote(startRefused, startRefused, func() error {
		x, ok := e.executions[string(machine)+"/"+name]
		if !ok {
			return fulfilment.ErrNoExecution
		}
		found = fulfilment.Execution{Status: x.status(), Input: x.input}
		if done, over := x.run.Next().(asl.Done); over {
			found.Error = done.Error
		}
		return nil
	})
	return found, err
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
	x := e.waiting[token]
	if x == nil {
		e.w.reach("an answer came for a stale token")
		return fulfilment.ErrStaleToken
	}
	delete(e.waiting, token)
	if err := answer(x); err != nil {
		return err
	}
	e.drive(x)
	return nil
}

func (x *execution) status() fulfilment.Status {
	if done, over := x.run.Next().(asl.Done); over {
		return fulfilment.Status(done.Status)
	}
	return fulfilment.Running
}

func (x *execution) String() string { return string(x.machine) + " " + x.name }

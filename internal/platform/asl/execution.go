package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Effect is what an execution waits for: an [Invoke], a [Sleep], a [StartExecution], an
// [AnswerTask], or [Done] at its end.
type Effect interface{ effect() }

// Invoke calls a function. Succeed answers with the function's result; Fail with the name of its
// error, with States.Timeout after Timeout, or with the name of an error of Lambda itself.
//
// For a Callback, whoever holds the token calls Succeed or Fail. When the function returns a
// result, the task keeps waiting; the function's error and the timeout end it.
type Invoke struct {
	State    string
	Function string // the substituted value
	Payload  json.RawMessage
	Timeout  time.Duration
	Attempt  int // earlier attempts of this state
	Callback bool
	Token    string // of a callback; each attempt has its own
}

// Sleep is the wait before a retry; Wake answers it. AWS may wait any time between Min and Max.
type Sleep struct {
	State    string
	Attempt  int // earlier attempts of this state
	Min, Max time.Duration
}

// StartExecution starts an execution of another machine without waiting for its end. Succeed and
// Fail answer it; for a Callback, whoever holds the token does, and a start that fails.
type StartExecution struct {
	State      string
	MachineARN string // the substituted value
	Name       string
	Input      json.RawMessage
	Timeout    time.Duration
	Callback   bool
	Token      string
}

// AnswerTask answers a task that waits for a token: with Output, or with Error and Cause. Succeed
// and Fail answer it.
type AnswerTask struct {
	State        string
	Token        string
	Output       json.RawMessage
	Error, Cause string
	Timeout      time.Duration
}

// Status is how an execution ended.
type Status string

// The ends of an execution. Only Stop gives the last two.
const (
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	Aborted   Status = "ABORTED"
	TimedOut  Status = "TIMED_OUT"
)

// Done says that the execution is over.
type Done struct {
	Status    Status
	Output    json.RawMessage // if Succeeded
	Error     string          // otherwise
	Cause     string
	LastState string
}

func (Invoke) effect()         {}
func (Sleep) effect()          {}
func (StartExecution) effect() {}
func (AnswerTask) effect()     {}
func (Done) effect()           {}

// ErrNotWaiting is returned for an answer that the execution does not wait for.
var ErrNotWaiting = errors.New("asl: the execution does not wait for this answer")

// Execution is a run of a machine. It stops at each effect until that is answered.
type Execution struct {
	machine *Machine
	name    string
	given   json.RawMessage // to Start
	state   *State
	input   any             // of the state
	raw     json.RawMessage // input as JSON
	entered time.Time
	retried []int // how often each retrier of the state was used
	attempt int   // of the state, from 0
	effect  Effect
	trace   []Entry
}

// Start begins an execution and runs it to its first effect.
func (m *Machine) Start(name string, input json.RawMessage) *Execution {
	x := &Execution{machine: m, name: name, given: input, state: m.States[m.StartAt]}
	v, err := decode(input)
	if err != nil {
		x.fail(failed(ErrRuntime, "the input is not JSON: %s", err))
		return x
	}
	x.enter(m.StartAt, v)
	return x
}

// Input returns the input of Start.
func (x *Execution) Input() json.RawMessage { return x.given }

// State returns the name of the current or last state.
func (x *Execution) State() string { return x.state.Name }

// Entry is a state that was entered, and its input.
type Entry struct {
	Name  string
	Input json.RawMessage
}

// Entered lists the states entered so far, in order. Retries are not entries.
func (x *Execution) Entered() []Entry { return slices.Clone(x.trace) }

// Trace lists the names of the states entered so far.
func (x *Execution) Trace() []string {
	names := make([]string, len(x.trace))
	for i, e := range x.trace {
		names[i] = e.Name
	}
	return names
}

// Next returns what the execution waits for. It stays the same until answered.
func (x *Execution) Next() Effect { return x.effect }

// Awaited returns the token for which the execution waits, or "".
func (x *Execution) Awaited() string {
	switch task := x.effect.(type) {
	case Invoke:
		return task.Token
	case StartExecution:
		return task.Token
	}
	return ""
}

// Succeed answers an Invoke with the function's result, a Callback with the output that came with
// the token, and other effects with the response of the call.
func (x *Execution) Succeed(output json.RawMessage) error {
	result, err := decode(output)
	if err != nil {
		return fmt.Errorf("asl: the result of %s: %w", x.state.Name, err)
	}
	switch e := x.effect.(type) {
	case Invoke:
		if !e.Callback {
			result = map[string]any{"ExecutedVersion": "$LATEST", "Payload": result, "StatusCode": 200.0}
		}
	case StartExecution, AnswerTask:
	default:
		return ErrNotWaiting
	}
	x.succeed(result)
	return nil
}

// Fail answers an effect with an error.
func (x *Execution) Fail(name, cause string) error {
	switch x.effect.(type) {
	case Invoke, StartExecution, AnswerTask:
		x.recover(&failure{name, cause})
		return nil
	}
	return ErrNotWaiting
}

// Wake answers a Sleep.
func (x *Execution) Wake() error {
	if _, ok := x.effect.(Sleep); !ok {
		return ErrNotWaiting
	}
	x.attempt++
	x.try()
	return nil
}

// Stop ends the execution as Aborted or TimedOut, whatever it waits for.
func (x *Execution) Stop(status Status, name, cause string) error {
	if _, over := x.effect.(Done); over {
		return ErrNotWaiting
	}
	x.effect = Done{Status: status, Error: name, Cause: cause, LastState: x.state.Name}
	return nil
}

// Clone returns an independent copy.
func (x *Execution) Clone() *Execution {
	c := *x
	c.retried = slices.Clone(x.retried)
	c.trace = slices.Clip(x.trace)
	return &c
}

// ForgetRetries resets the retry counts of the task.
func (x *Execution) ForgetRetries() { clear(x.retried) }

// Key identifies executions of one machine by everything that their future depends on. The states
// entered so far are not part of it.
func (x *Execution) Key() string {
	var b strings.Builder
	b.WriteString(x.name + "|" + x.state.Name + "|")
	switch e := x.effect.(type) {
	case Invoke:
		b.WriteString("invoke|" + e.Token)
	case Sleep:
		b.WriteString("sleep")
	case StartExecution:
		b.WriteString("start|" + e.Token)
	case AnswerTask:
		b.WriteString("answer")
	case Done:
		b.WriteString("done|" + string(e.Status) + "|" + e.Error + "|" + e.Cause)
	}
	for _, n := range x.retried {
		b.WriteString("|" + strconv.Itoa(n))
	}
	b.WriteString("|")
	b.Write(x.raw)
	return b.String()
}

// Machine returns the machine of the execution.
func (x *Execution) Machine() *Machine { return x.machine }

package asl

import (
	"encoding/json"
	"time"
)

// Effect is what an execution wants of the world: an [Invoke], a [Sleep], a [StartExecution], or nothing any more, [Done].
type Effect interface{ effect() }

// Invoke calls a function. Succeed answers it with what the function returned, Fail with the name of its error, with
// States.Timeout after Timeout, or with the name of an error of Lambda's own.
//
// A Callback is answered with Succeed and Fail too, but by whoever holds the token: when the function itself returns,
// the task goes on waiting. Only its error also ends the task, and so does the timeout.
type Invoke struct {
	State    string
	Function string // what the substitution of its name gave
	Payload  json.RawMessage
	Timeout  time.Duration
	Attempt  int // how many attempts of this state went before
	Callback bool
	Token    string // of a callback: another one for each attempt
}

// Sleep is the wait before a task is tried again; Wake answers it. Any wait between Min and Max is what AWS may do.
type Sleep struct {
	State    string
	Attempt  int // how many attempts of this state went before
	Min, Max time.Duration
}

// StartExecution starts an execution of another machine, and does not wait for its end. Succeed and Fail answer it.
type StartExecution struct {
	State      string
	MachineARN string // what the substitution of its name gave
	Name       string
	Input      json.RawMessage
	Timeout    time.Duration
	Attempt    int // how many attempts of this state went before
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
func (Done) effect()           {}

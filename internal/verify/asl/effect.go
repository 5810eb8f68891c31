package asl

import (
	"encoding/json"
	"time"
)

// Effect is what an execution waits for: an [Invoke], a [Sleep], a [StartExecution], or [Done] at
// its end.
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
// Fail answer it.
type StartExecution struct {
	State      string
	MachineARN string // the substituted value
	Name       string
	Input      json.RawMessage
	Timeout    time.Duration
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

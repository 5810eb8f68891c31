// Package timeline makes the histories of an order's Step Functions executions readable: one
// list of steps, with every attempt of each, in the order in which they happened.
//
// It understands what AWS writes and what the emulator writes. The emulator leaves out
// the LambdaFunction…, TaskStarted, TaskSubmitted and TaskTimedOut events and the links between
// events, and names a resource by its whole ARN.
package timeline

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Outcome is how an execution, a step or an attempt ended.
type Outcome string

// The outcomes. Caught is for steps only: the last attempt failed, and the execution went on elsewhere.
const (
	Running   Outcome = "RUNNING"
	Succeeded Outcome = "SUCCEEDED"
	Caught    Outcome = "CAUGHT"
	Failed    Outcome = "FAILED"
	TimedOut  Outcome = "TIMED_OUT"
	Aborted   Outcome = "ABORTED"
)

// History is what Step Functions recorded of one execution, oldest event first.
type History struct {
	// Machine is the state machine's name as people know it.
	Machine string
	// Undoes says that its steps are compensations.
	Undoes bool
	Events []types.HistoryEvent
}

// Timeline is what happened to an order.
type Timeline struct {
	OrderID    string      `json:"orderId"`
	Start      time.Time   `json:"start"`
	Executions []Execution `json:"executions"`
	// Steps are those of all executions, by the time at which they began.
	Steps []Step `json:"steps"`
}

// Span is a piece of time; Offset counts from the timeline's start. Both are in milliseconds in JSON. Where something still
// runs, Duration is what the last event tells.
type Span struct {
	Offset   Millis `json:"offsetMs"`
	Duration Millis `json:"durationMs"`

	begin time.Time
}

// Millis is a duration that is whole milliseconds in JSON.
type Millis time.Duration

// MarshalJSON gives the milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(m).Milliseconds()) }

// Failure is an error's name and, in short, its cause.
type Failure struct {
	Error string `json:"error"`
	Cause string `json:"cause,omitempty"`
}

// Execution is one run of a state machine.
type Execution struct {
	Machine string  `json:"machine"`
	Outcome Outcome `json:"outcome"`
	Span
	// Last is the state that it entered last.
	Last    string   `json:"lastState"`
	Failure *Failure `json:"failure,omitempty"`
}

// Step is a visit to a state.
type Step struct {
	Machine string `json:"machine"`
	State   string `json:"state"`
	// Type is the state's type, such as Task or Succeed.
	Type         string  `json:"type"`
	Compensation bool    `json:"compensation"`
	Outcome      Outcome `json:"outcome"`
	Span
	// Attempts are those of a task; other states have none.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Next is the state that the execution went to after an error was caught.
	Next string `json:"caughtBy,omitempty"`
}

// Attempt is one try of a task.
type Attempt struct {
	Number  int     `json:"attempt"`
	Outcome Outcome `json:"outcome"`
	Span
	// Callback says that the attempt ends when somebody outside reports, with its task token.
	Callback bool     `json:"callback,omitempty"`
	Failure  *Failure `json:"failure,omitempty"`
	// RetryWait is how long the next attempt waited.
	RetryWait Millis `json:"retryWaitMs,omitempty"`
}

// New merges the histories of an order's executions.
func New(orderID string, histories ...History) Timeline {
	t := Timeline{OrderID: orderID, Executions: []Execution{}, Steps: []Step{}}
	for _, h := range histories {
		if len(h.Events) == 0 {
			continue
		}
		r := read(h)
		t.Executions = append(t.Executions, r.execution)
		for _, s := range r.steps {
			t.Steps = append(t.Steps, *s)
		}
		if t.Start.IsZero() || r.execution.begin.Before(t.Start) {
			t.Start = r.execution.begin
		}
	}
	// Stable: what began in the same millisecond stays in its execution's order.
	slices.SortStableFunc(t.Steps, func(a, b Step) int { return a.begin.Compare(b.begin) })
	slices.SortStableFunc(t.Executions, func(a, b Execution) int { return a.begin.Compare(b.begin) })
	for i := range t.Executions {
		t.Executions[i].from(t.Start)
	}
	for i := range t.Steps {
		t.Steps[i].from(t.Start)
		for j := range t.Steps[i].Attempts {
			t.Steps[i].Attempts[j].from(t.Start)
		}
	}
	return t
}

func (s *Span) from(start time.Time) { s.Offset = Millis(s.begin.Sub(start)) }

func (s *Span) until(end time.Time) { s.Duration = Millis(end.Sub(s.begin)) }

// short makes one line of at most 160 characters of a cause. A Lambda function's is a JSON document, of which
// the message counts; a leading name is left out, since it stands beside it.
func short(name, cause string) string {
	var lambda struct{ ErrorMessage string }
	if json.Unmarshal([]byte(cause), &lambda) == nil && lambda.ErrorMessage != "" {
		cause = lambda.ErrorMessage
	}
	cause = strings.TrimPrefix(strings.Join(strings.Fields(cause), " "), name+": ")
	if r := []rune(cause); len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return cause
}

// Package timeline turns the histories of an order's Step Functions executions into one readable
// list of steps with all their attempts, in order of time.
//
// It reads the histories of AWS and of the emulator. The emulator omits the LambdaFunction…,
// TaskStarted, TaskSubmitted and TaskTimedOut events and the links between events, and names a
// resource by its whole ARN.
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

// The outcomes. Caught is for steps only: the last attempt failed, and the execution went on at
// another state.
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
	// Machine is the state machine's name without the stack's prefix.
	Machine string
	// Undoes says that its steps are compensations.
	Undoes bool
	Events []types.HistoryEvent
	// Timeouts are the states' TimeoutSeconds in the definition, for attempts whose events lack it.
	Timeouts map[string]time.Duration
}

// Timeline is what happened to an order.
type Timeline struct {
	OrderID    string      `json:"orderId"`
	Start      time.Time   `json:"start"`
	Executions []Execution `json:"executions"`
	// Steps are the steps of all executions, sorted by their start.
	Steps []Step `json:"steps"`
}

// Span is a period of time. Offset counts from the timeline's start. While something is running,
// Duration is its age at the last event.
type Span struct {
	Offset   Millis `json:"offsetMs"`
	Duration Millis `json:"durationMs"`

	begin time.Time
}

// Millis is a duration, written as whole milliseconds in JSON.
type Millis time.Duration

// MarshalJSON writes the milliseconds.
func (m Millis) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(m).Milliseconds()) }

// Failure is an error's name and its cause on one line.
type Failure struct {
	Error string `json:"error"`
	Cause string `json:"cause,omitempty"`
}

// Execution is one run of a state machine.
type Execution struct {
	Machine string  `json:"machine"`
	Outcome Outcome `json:"outcome"`
	Span
	// Last is the state entered last.
	Last    string   `json:"lastState"`
	Failure *Failure `json:"failure,omitempty"`
}

// Step is a visit to a state.
type Step struct {
	Machine string `json:"machine"`
	State   string `json:"state"`
	// Type is the state's type, such as Task or Succeed.
	Type string `json:"type"`
	// Within is the state that ran it in an Express child, which has no history of its own. It is
	// known only from the child's report, which may be lost.
	Within       string  `json:"within,omitempty"`
	Compensation bool    `json:"compensation"`
	Outcome      Outcome `json:"outcome"`
	Span
	// Attempts are the attempts of a task; other states have none.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Next is the state that the execution went to after an error was caught.
	Next string `json:"caughtBy,omitempty"`

	child bool // its task is a child execution
}

// Attempt is one attempt of a task.
type Attempt struct {
	Number  int     `json:"attempt"`
	Outcome Outcome `json:"outcome"`
	Span
	// Callback says that the attempt ends with a callback that has its task token. A child's
	// attempt ends that way as well, but no third party has its token.
	Callback bool `json:"callback,omitempty"`
	// Deadline is when the attempt times out, while it is running; nil if that is not known.
	Deadline *time.Time `json:"deadline,omitempty"`
	Failure  *Failure   `json:"failure,omitempty"`
	// RetryWait is the wait before the next attempt.
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
	// Stable, so that steps with the same start stay in their execution's order.
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

// plain writes a cause on one line. A Lambda function's cause is a JSON document; only its message
// is kept. A leading error name is removed, since it is shown next to it. A child's cause begins
// with the name of its step.
func plain(name, cause string) string {
	step, rest, found := strings.Cut(cause, ": ")
	if !found || strings.ContainsAny(step, `{" `) {
		step, rest = "", cause
	}
	var lambda struct{ ErrorMessage string }
	if json.Unmarshal([]byte(rest), &lambda) == nil && lambda.ErrorMessage != "" {
		cause = lambda.ErrorMessage
		if step != "" {
			cause = step + ": " + cause
		}
	}
	return strings.TrimPrefix(strings.Join(strings.Fields(cause), " "), name+": ")
}

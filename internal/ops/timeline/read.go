package timeline

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// reader builds an execution and its steps from events.
type reader struct {
	undoes    bool
	timeouts  map[string]time.Duration
	execution Execution
	steps     []*Step
	// stepOf maps an event's id to its step. AWS links each event to the previous one, which tells
	// parallel branches apart.
	stepOf map[int64]*Step
	// current is the step entered last. Events without a link belong to it.
	current *Step
	// caught is the step whose error is handled by the next state entered.
	caught *Step
}

func read(h History) *reader {
	r := &reader{undoes: h.Undoes, timeouts: h.Timeouts, stepOf: map[int64]*Step{}}
	r.execution = Execution{Machine: h.Machine, Outcome: Running}
	r.execution.begin = aws.ToTime(h.Events[0].Timestamp)
	for _, e := range h.Events {
		r.stepOf[e.Id] = r.read(e)
	}
	return r
}

// read reads an event and returns its step, if any.
func (r *reader) read(e types.HistoryEvent) *Step {
	at, name := aws.ToTime(e.Timestamp), string(e.Type)
	if r.execution.Outcome != Running && !strings.HasPrefix(name, "Execution") {
		return nil // an emulator's execution continues for a moment after it was stopped
	}
	r.execution.until(at)
	if kind, ok := strings.CutSuffix(name, "StateEntered"); ok && e.StateEnteredEventDetails != nil {
		return r.enter(kind, aws.ToString(e.StateEnteredEventDetails.Name), at)
	}
	if strings.HasPrefix(name, "Execution") {
		r.end(e, at)
		return nil
	}
	s := r.current
	if linked := r.stepOf[e.PreviousEventId]; e.PreviousEventId != 0 && linked != nil {
		s = linked
	}
	if strings.HasSuffix(name, "StateExited") && e.StateExitedEventDetails != nil {
		return r.exit(s, aws.ToString(e.StateExitedEventDetails.Name), at)
	}
	if s != nil {
		s.until(at)
		s.apply(e, at, r.timeouts[s.State])
		if d := e.TaskSucceededEventDetails; d != nil && s.child {
			r.children(s, succeeded(aws.ToString(d.Output)), at)
		}
		if d := e.TaskFailedEventDetails; d != nil && s.child {
			r.children(s, reported(aws.ToString(d.Error), aws.ToString(d.Cause)), at)
		}
	}
	return s
}

// children adds the steps of a child's attempt from what it reported. Each step began when the
// previous one ended. A child also reports the steps of the children before it.
func (r *reader) children(parent *Step, child report, end time.Time) {
	since := parent.begin.Truncate(time.Millisecond) // with the precision of the child's report
	maps.DeleteFunc(child.began, func(_ string, began time.Time) bool { return began.Before(since) })
	names := slices.SortedFunc(maps.Keys(child.began), func(a, b string) int {
		return child.began[a].Compare(child.began[b])
	})
	for i, name := range names {
		until := end
		if i+1 < len(names) {
			until = child.began[names[i+1]]
		}
		s := &Step{Machine: parent.Machine, State: name, Type: "Task", Within: parent.State, Outcome: Succeeded,
			Compensation: r.undoes}
		s.begin = child.began[name]
		s.until(until)
		a := Attempt{Number: len(parent.Attempts), Outcome: Succeeded, Span: s.Span}
		if a.Failure = child.failures[name]; a.Failure != nil {
			s.Outcome, a.Outcome = Failed, Failed
		}
		s.Attempts = []Attempt{a}
		r.steps = append(r.steps, s)
	}
}

func (r *reader) enter(kind, name string, at time.Time) *Step {
	s := &Step{Machine: r.execution.Machine, State: name, Type: kind, Compensation: r.undoes, Outcome: Running}
	s.begin = at
	if r.caught != nil {
		r.caught.Next, r.caught = name, nil
	}
	r.steps, r.current, r.execution.Last = append(r.steps, s), s, name
	return s
}

// exit ends a step. The exited state may enclose the step s, as a Parallel does.
func (r *reader) exit(s *Step, name string, at time.Time) *Step {
	if s == nil || s.State != name {
		for i := len(r.steps) - 1; i >= 0; i-- {
			if s = r.steps[i]; s.State == name && s.Outcome == Running {
				break
			}
		}
	}
	if s == nil || s.State != name {
		return nil
	}
	s.until(at)
	s.Outcome = Succeeded
	if n := len(s.Attempts); n > 0 && s.Attempts[n-1].Outcome != Succeeded {
		s.Outcome, r.caught = Caught, s
	}
	return s
}

// end applies an event of the execution itself.
func (r *reader) end(e types.HistoryEvent, at time.Time) {
	var failure *Failure
	switch e.Type {
	case types.HistoryEventTypeExecutionSucceeded:
		r.execution.Outcome = Succeeded
		return
	case types.HistoryEventTypeExecutionFailed:
		r.execution.Outcome, failure = Failed, &Failure{Error: "States.Runtime"}
		if d := e.ExecutionFailedEventDetails; d != nil {
			failure = failed(d.Error, d.Cause)
		}
	case types.HistoryEventTypeExecutionAborted:
		r.execution.Outcome = Aborted
		if d := e.ExecutionAbortedEventDetails; d != nil && aws.ToString(d.Error)+aws.ToString(d.Cause) != "" {
			failure = failed(d.Error, d.Cause)
		}
	case types.HistoryEventTypeExecutionTimedOut:
		r.execution.Outcome, failure = TimedOut, &Failure{Error: "States.Timeout"}
		if d := e.ExecutionTimedOutEventDetails; d != nil && d.Error != nil {
			failure = failed(d.Error, d.Cause)
		}
	case types.HistoryEventTypeExecutionRedriven: // continues at the state where it ended
		r.execution.Outcome, r.execution.Failure = Running, nil
		if r.current != nil {
			r.current.Outcome = Running
		}
		return
	default:
		return
	}
	r.execution.Failure = failure
	for _, s := range r.steps {
		if s.Outcome != Running {
			continue
		}
		s.Outcome = r.execution.Outcome
		s.until(at)
		if a := s.running(); a != nil {
			a.end(r.execution.Outcome, at)
		}
	}
}

// failed returns the failure with an event's error and cause.
func failed(name, cause *string) *Failure {
	return &Failure{Error: aws.ToString(name), Cause: plain(aws.ToString(name), aws.ToString(cause))}
}

package workflow

import (
	"time"

	"orderflow/internal/platform/asl"
)

// Kinds of events that are used in several places.
const (
	taskSucceeded = "TaskSucceeded"
	taskFailed    = "TaskFailed"
	taskTimedOut  = "TaskTimedOut"
)

// ends are the kinds of an execution's last event.
var ends = map[asl.Status]string{
	asl.Succeeded: "ExecutionSucceeded", asl.Failed: "ExecutionFailed", asl.Aborted: "ExecutionAborted",
	asl.TimedOut: "ExecutionTimedOut",
}

// events returns the events of a transition: the answer, if any, the states that were left and
// entered, and what the execution waits for. before is nil at its start.
func events(before, after *asl.Execution, answer Event, now time.Time) []Event {
	var all []Event
	add := func(e Event) {
		e.At = now
		all = append(all, e)
	}
	machine := after.Machine()
	kind := func(state string) string { return string(machine.States[state].Type) + "State" }
	if answer.Kind != "" {
		add(answer)
	}
	entered, last := after.Trace(), ""
	if before != nil {
		last, entered = before.State(), entered[len(before.Trace()):]
	}
	for _, state := range entered {
		if last != "" {
			add(Event{Kind: kind(last) + "Exited", State: last})
		}
		add(Event{Kind: kind(state) + "Entered", State: state})
		last = state
	}
	switch e := after.Next().(type) {
	case asl.Done:
		if e.Status == asl.Succeeded {
			add(Event{Kind: kind(last) + "Exited", State: last})
		}
		add(Event{Kind: ends[e.Status], Error: e.Error, Cause: e.Cause})
	case asl.Sleep:
	default:
		add(Event{Kind: "TaskScheduled", State: last, Resource: machine.States[last].Resource})
	}
	return all
}

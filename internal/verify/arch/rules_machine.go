package arch

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
)

// undo maps each step of the saga to its compensation. Steps without an effect are left out.
var undo = map[string]string{
	"ReserveStock":     "ReleaseStock",
	"AuthorizePayment": "VoidPayment",
	"ArrangeShipment":  "CancelShipment",
	"AwaitShipment":    "CancelShipment",
	"AwaitPayment":     "VoidPayment",
	"CapturePayment":   "VoidPayment",
	"CommitStock":      "ReleaseStock",
	"ConfirmOrder":     "CloseOrder",
}

const (
	fulfil     = "fulfil-order"
	compensate = "compensate-order"
)

// children maps the states that start Express children to their machines.
var children = map[string]string{
	"Prepare": "prepare-order", "PrepareAgain": "prepare-order", "Settle": "settle-order", "Undo": "undo-order",
}

// detours are the states that handle an error that is not a failure, by the state that catches it.
var detours = map[string]string{"Prepare": "AwaitPayment", "AwaitPayment": "PrepareAgain"}

func isChild(machine string) bool {
	return slices.Contains(slices.Collect(maps.Values(children)), machine)
}

var machineRules = []Rule{
	rule("a state is named for the function it calls",
		"ReserveStock, reserve-stock and ReserveStockFunction are the same thing",
		eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
			ok := s.Resource == asl.StatesStart || s.Target == name+"Function" || reports(s) ||
				s.Resource == asl.StatesStartAndWait && s.Target == casing.Camel(children[name])+"Arn" &&
					strings.HasPrefix(s.Target, strings.TrimSuffix(name, "Again")) && r.Machines[children[name]] != nil
			bad.unless(ok, "%s/%s calls %s", machine, name, s.Target)
		}),
		func(r *Repo) {
			r.Machines["prepare-order"].States["ReserveStock"].Target = "ReleaseStockFunction"
		}),
	rule("every state has a comment, every task a timeout",
		"operators read the definition during incidents; a task without a timeout waits for a year",
		func(r *Repo, bad *list) {
			for name, m := range r.Machines {
				for state, s := range m.States {
					bad.unless(s.Comment != "", "%s/%s has no comment", name, state)
					bad.unless(s.Type != asl.Task || s.Timeout > 0, "%s/%s has no timeout", name, state)
				}
			}
		},
		func(r *Repo) { r.Machines["settle-order"].States["CommitStock"].Timeout = 0 }),
	ofCore(rule("the saga has no loops",
		"so every execution ends, and the search over them, too",
		func(r *Repo, bad *list) {
			for name, m := range r.Machines {
				bad.unless(len(m.Loops) == 0, "%s leads back to %v", name, m.Loops)
			}
		},
		func(r *Repo) { r.Machines[fulfil].Loops = []string{"Prepare"} })),
	ofCore(rule("a machine's time budget is correct, its timeout longer",
		"a timeout during a wait rejects the order; operators trust the figure",
		func(r *Repo, bad *list) {
			for name, m := range r.Machines {
				most := r.longest(m, m.StartAt)
				minutes := fmt.Sprintf("within %d minutes", int(math.Ceil(most.Minutes())))
				bad.unless(strings.Contains(m.Comment, "Time budget"), "the comment of %s has no time budget", name)
				bad.unless(strings.Contains(m.Comment, minutes),
					"%s takes up to %s, but its comment does not say %q", name, most, minutes)
				bad.unless(m.Timeout > most, "%s takes up to %s, but times out after %s", name, most, m.Timeout)
			}
		},
		func(r *Repo) { r.Machines[fulfil].States["Settle"].Retry[0].MaxAttempts += 10 })),
	ofCore(rule("a child ends before its parent gives it up",
		"else two children run at once; AWS ends an Express execution after 5 minutes, whatever its own timeout",
		func(r *Repo, bad *list) {
			for _, m := range r.Machines {
				for state, s := range m.States {
					if s.Resource == asl.StatesStartAndWait {
						child := r.Machines[children[state]]
						ok := child != nil && child.Timeout < s.Timeout && s.Timeout < 5*time.Minute
						bad.unless(ok, "%s waits %s, not longer than its child takes", state, s.Timeout)
					}
				}
			}
		},
		func(r *Repo) { r.Machines["prepare-order"].Timeout = 2 * time.Minute })),
	ofCore(rule("a step's function ends before its state gives it up",
		"else a repeated step runs beside the one before it, and the time budget is wrong",
		eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
			if r.properties(s.Target) == nil {
				return // it calls no function
			}
			seconds, _ := cfn.Dig(r.properties(s.Target), "Timeout").(int)
			timeout := time.Duration(seconds) * time.Second
			bad.unless(timeout > 0 && timeout < min(failure, s.Timeout), "%s/%s calls a function that takes up to %s",
				machine, name, timeout)
		}),
		func(r *Repo) { r.properties("AwaitShipmentFunction")["Timeout"] = 20 })),
	ofCore(rule("a saga and its compensation end within 4 hours",
		"after 4 hours, reconciliation voids the charge of an order that has not ended",
		func(r *Repo, bad *list) {
			sum := r.Machines[fulfil].Timeout + r.Machines[compensate].Timeout
			bad.unless(sum <= 4*time.Hour, "%s and %s may take %s together", fulfil, compensate, sum)
		},
		func(r *Repo) { r.Machines[compensate].Timeout = 3 * time.Hour })),
	rule("every error of a saga step leads to compensation",
		"no compensation: an uncaught error leaves money held and stock reserved",
		eachTask(func(r *Repo, bad *list, machine, name string, s *asl.State) {
			step := undo[name] != ""
			switch {
			case isChild(machine) && machine != children["Undo"] && !reports(s):
				bad.catches(s, machine+"/"+name, "ReportFailure")
			case machine == fulfil && s.Resource != asl.StatesStart:
				bad.catches(s, machine+"/"+name, "StartCompensation", detours[name])
				step = step || children[name] != ""
			default:
				return
			}
			bad.unless(step, "%s/%s is not in the table of compensations (undo)", machine, name)
		}),
		func(r *Repo) { r.Machines["prepare-order"].States["ArrangeShipment"].Catch = nil }),
	ofCore(rule("a child's steps end in a report, its failures in a report of failure",
		"no compensation: its parent would wait without an answer, or continue",
		func(r *Repo, bad *list) {
			for _, machine := range children {
				m := r.Machines[machine]
				path := r.path(machine)
				last := m.States[path[len(path)-1]]
				bad.unless(last.Resource == asl.SendTaskSuccess, "%s ends in %s", machine, last.Name)
				failure := m.States["ReportFailure"]
				bad.unless(failure != nil && failure.Resource == asl.SendTaskFailure, "%s reports no failure", machine)
			}
		},
		func(r *Repo) { r.Machines["prepare-order"].States["ReportFailure"].Resource = asl.SendTaskSuccess })),
	ofCore(rule("compensation undoes every step, in reverse order",
		"no compensation: a step that failed may have taken effect, so it is undone, too",
		func(r *Repo, bad *list) {
			var want []string
			for _, step := range r.steps(fulfil) { // an undo of several steps takes the place of the first
				if u := undo[step]; u != "" && !slices.Contains(want, u) {
					want = append(want, u)
				}
			}
			slices.Reverse(want)
			got := slices.DeleteFunc(r.steps(compensate), func(s string) bool { return !slices.Contains(want, s) })
			bad.unless(len(want) > 0 && slices.Equal(got, want), "compensation undoes %v, want %v", got, want)
		},
		func(r *Repo) { r.Machines["undo-order"].States["CancelShipment"].Next = "ReleaseStock" })),
	rule("a compensation does not stop others", "an undo that fails must not prevent the others",
		eachTask(func(_ *Repo, bad *list, machine, name string, s *asl.State) {
			switch {
			// FlagOrder is the last resort: its failure fails the execution, which raises an alarm.
			case machine == compensate && name != "FlagOrder":
				bad.catches(s, machine+"/"+name, "FlagOrder")
			// Before CloseOrder succeeds nothing may be undone; RejectOrder is the last one.
			case name == "CloseOrder", name == "RejectOrder":
				bad.catches(s, machine+"/"+name, "ReportFailure")
			case machine == children["Undo"] && !reports(s):
				bad.catches(s, machine+"/"+name, s.Next)
			}
		}),
		func(r *Repo) {
			r.Machines["undo-order"].States["VoidPayment"].Catch[1].Next = "ReportFailure"
		}),
	retrying("waiting for a function's free slot costs no attempt",
		"orders must not be rejected because the bulkhead is full",
		fulfil, "Settle", func(all []asl.Retrier) { all[1].ErrorEquals[0] = throttled }),
	retrying("only states that call third parties wait for open circuits",
		"an outage of a minute must not reject orders; a refused call costs no attempt",
		compensate, "Undo", func(all []asl.Retrier) { all[1].MaxAttempts = 2 }),
	retrying("a step of the saga retries transient errors only",
		"a declined card is final; trying it again changes nothing",
		fulfil, "Settle", func(all []asl.Retrier) { all[2].ErrorEquals[0] = "States.ALL" }),
	retrying("a compensation retries for long", "an undo must not be given up while its outage lasts",
		compensate, "Undo", func(all []asl.Retrier) { all[2].MaxAttempts = 5 }),
}

// retrying is a reason for the retriers of tasks, which checkRetriers compares as a whole.
func retrying(name, why, machine, state string, sabotage func([]asl.Retrier)) Rule {
	return ofCore(rule(name, why, eachTask(checkRetriers),
		func(r *Repo) { sabotage(r.Machines[machine].States[state].Retry) }))
}

// stepTimeout is what a child reports if a step took too long: names with States are reserved.
const stepTimeout = "Step.Timeout"

// unstarted are the errors of starting a child.
var unstarted = []string{"StepFunctions.ThrottlingException", "StepFunctions.ExecutionLimitExceededException",
	"StepFunctions.AWSStepFunctionsException", "StepFunctions.SdkClientException"}

// transient errors of a step; a step that waits for an answer does not retry the last one.
var transient = []string{"Transient", "Lambda.ServiceException", "Lambda.AWSLambdaException",
	"Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException", "Lambda.Unknown", "Runtime.ExitError",
	"Sandbox.Timedout", "States.Timeout"}

func checkRetriers(r *Repo, bad *list, machine, name string, s *asl.State) {
	after := func(first, longest time.Duration, rate float64, attempts int, errors ...string) asl.Retrier {
		return asl.Retrier{ErrorEquals: errors, Interval: first * time.Second, BackoffRate: rate, MaxAttempts: attempts,
			MaxDelay: longest * time.Second, FullJitter: true}
	}
	want := []asl.Retrier{after(2, 20, 1.5, 15, throttled)}
	if slices.ContainsFunc(append(r.path(children[name]), name), func(step string) bool {
		return r.looksUpAddresses(step + "Function")
	}) {
		want = append(want, after(5, 30, 1.5, 15, circuitOpen))
	}
	switch {
	case s.Resource == asl.StatesStart: // calls no function
		return
	case reports(s):
		want = []asl.Retrier{after(1, 4, 2, 3, "States.ALL")}
	case isChild(machine): // its parent repeats it as a whole
		want = nil
	case machine == compensate:
		want = append(want, after(2, 60, 2, 8, "States.ALL"))
	case children[name] != "":
		want = append(want, after(2, 10, 2, 4, slices.Concat(transient, []string{stepTimeout}, unstarted)...))
	case name == "AwaitShipment", name == "AwaitPayment":
		want = append(want, after(2, 10, 2, 3, transient[:8]...))
	}
	bad.unless(reflect.DeepEqual(s.Retry, want), "%s/%s retries by %+v, want %+v", machine, name, s.Retry, want)
}

// Names of errors of calls that were not attempted: an open circuit refused the call (package
// resilience), or the function had no free slot.
const (
	circuitOpen = "CircuitOpen"
	throttled   = "Lambda.TooManyRequestsException"
)

// untried reports whether a retrier is for calls that were not attempted.
func untried(retry asl.Retrier) bool {
	return slices.Contains(retry.ErrorEquals, circuitOpen) || slices.Contains(retry.ErrorEquals, throttled)
}

// longest is how long a machine may take from a state on, with the longest attempts and waits, if
// completed steps answer from their records within a second. Its timeout bounds it in any case.
func (r *Repo) longest(m *asl.Machine, state string) time.Duration {
	s := m.States[state]
	var rest time.Duration
	for _, next := range s.Successors() {
		rest = max(rest, r.longest(m, next)) // there are no loops
	}
	return r.taskTime(s) + rest
}

// Durations of an unsuccessful attempt: an invocation that was refused or answers from a record,
// and one that failed.
const (
	refusal = time.Second
	failure = 15 * time.Second
)

func (r *Repo) taskTime(s *asl.State) time.Duration {
	total := s.Timeout
	for _, retry := range s.Retry {
		each := min(failure, s.Timeout)
		switch child := s.Resource == asl.StatesStartAndWait; {
		case untried(retry) && child: // an undo does not stop the others
			each = time.Duration(len(r.path(children[s.Name]))) * refusal
		case untried(retry):
			each = refusal
		case child:
			each = s.Timeout
		}
		wait := retry.Interval
		for range retry.MaxAttempts {
			total += each + min(wait, retry.MaxDelay)
			wait = time.Duration(float64(wait) * retry.BackoffRate)
		}
	}
	return total
}

func eachTask(check func(r *Repo, bad *list, machine, name string, s *asl.State)) func(*Repo, *list) {
	return func(r *Repo, bad *list) {
		for machine, m := range r.Machines {
			for name, s := range m.States {
				if s.Type == asl.Task {
					check(r, bad, machine, name, s)
				}
			}
		}
		bad.unless(len(r.Machines) == 5 || r.Stack != "", "there are %d state machines", len(r.Machines))
	}
}

// catches requires that a state catches every error and continues with the first of next, or with
// another of next after errors that it names. States.ALL does not cover the other two errors.
func (l *list) catches(s *asl.State, where string, next ...string) {
	var caught []string
	for _, c := range s.Catch {
		caught = append(caught, c.ErrorEquals...)
		expected := slices.Contains(next, c.Next)
		if slices.ContainsFunc(c.ErrorEquals, func(name string) bool { return slices.Contains(everything, name) }) {
			expected = c.Next == next[0]
		}
		l.unless(expected, "%s continues with %s after an error", where, c.Next)
	}
	for _, name := range everything {
		l.unless(slices.Contains(caught, name), "%s does not catch %s", where, name)
	}
}

// everything has the names that cover every error.
var everything = []string{"States.ALL", "States.DataLimitExceeded", "States.Runtime"}

// reports says whether a state ends a task of another machine.
func reports(s *asl.State) bool {
	return s.Resource == asl.SendTaskSuccess || s.Resource == asl.SendTaskFailure
}

// steps lists a machine's states and those of its children, in a run in which nothing fails.
func (r *Repo) steps(machine string) (steps []string) {
	for _, state := range r.path(machine) {
		if children[state] == "" {
			steps = append(steps, state)
		}
		steps = append(steps, r.path(children[state])...)
	}
	return steps
}

// path lists the states of a run in which nothing fails and every choice takes its default.
func (r *Repo) path(machine string) []string {
	m := r.Machines[machine]
	if m == nil {
		return nil
	}
	var states []string
	for name := m.StartAt; name != "" && !slices.Contains(states, name); {
		states = append(states, name)
		s := m.States[name]
		if name = s.Next; name == "" {
			name = s.Default
		}
	}
	return states
}

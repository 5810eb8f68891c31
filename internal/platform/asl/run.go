package asl

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"
)

// enter enters a state and runs until an effect must be answered.
func (x *Execution) enter(name string, input any) {
	raw, bad := encode(input)
	x.run(name, input, raw, bad)
}

// run enters a state, whose input is encoded or cannot be, and runs until an effect must be
// answered.
func (x *Execution) run(name string, input any, raw json.RawMessage, bad *failure) {
	for {
		x.state, x.input, x.entered = x.machine.States[name], input, x.machine.time()
		x.retried, x.attempt = make([]int, len(x.state.Retry)), 0
		x.raw, x.trace = raw, append(x.trace, Entry{name, raw})
		if bad != nil {
			x.fail(bad)
			return
		}
		switch x.state.Type {
		case Choice:
			next, bad := x.choose()
			if bad != nil {
				x.fail(bad)
				return
			}
			name = next
		case Succeed:
			x.effect = Done{Status: Succeeded, Output: raw, LastState: name}
			return
		case Fail:
			x.fail(&failure{x.state.Error, x.state.Cause})
			return
		default:
			x.try()
			return
		}
	}
}

func (x *Execution) choose() (string, *failure) {
	for _, b := range x.state.Choices {
		v, bad := b.condition.eval(x.states())
		if bad != nil {
			return "", bad
		}
		holds, ok := v.(bool)
		if !ok {
			return "", failed(ErrQueryEvaluation, "%s: the condition is not a Boolean", b.condition.field)
		}
		if holds {
			return b.Next, nil
		}
	}
	if x.state.Default == "" {
		return "", failed(ErrNoChoiceMatched, "no condition of %s holds", x.state.Name)
	}
	return x.state.Default, nil
}

func (x *Execution) try() {
	effect, bad := x.call()
	if x.effect = effect; bad != nil {
		x.recover(bad)
	}
}

// call evaluates the task's arguments.
func (x *Execution) call() (Effect, *failure) {
	s := x.state
	callback := s.callback()
	token := ""
	states := x.states()
	if callback {
		token = fmt.Sprintf("%s%s/%s/%d", x.machine.host, x.name, s.Name, x.attempt+1) // Parse refuses loops through it
		states["context"].(map[string]any)["Task"] = map[string]any{"Token": token}
	}
	var bad *failure
	value := func(argument string) (v any) {
		if bad == nil {
			v, bad = s.arguments[argument].eval(states)
		}
		return v
	}
	data := func(argument string) (data json.RawMessage) {
		if v := value(argument); bad == nil {
			data, bad = encode(v)
		}
		return data
	}
	text := func(argument string) string {
		text, ok := value(argument).(string)
		if bad == nil && !ok {
			bad = failed(ErrRuntime, "%s must be a string", s.arguments[argument].field)
		}
		return text
	}
	var effect Effect
	switch s.Resource {
	case LambdaInvoke, LambdaInvokeAndWait:
		effect = Invoke{
			State: s.Name, Function: s.Target, Payload: data("Payload"), Timeout: s.Timeout, Attempt: x.attempt,
			Callback: callback, Token: token,
		}
	case StatesStart, StatesStartAndWait:
		effect = StartExecution{
			State: s.Name, MachineARN: s.Target, Name: text("Name"), Input: data("Input"), Timeout: s.Timeout,
			Callback: callback, Token: token,
		}
	case SendTaskSuccess:
		effect = AnswerTask{
			State: s.Name, Token: text("TaskToken"), Output: json.RawMessage(text("Output")), Timeout: s.Timeout,
		}
	case SendTaskFailure:
		effect = AnswerTask{
			State: s.Name, Token: text("TaskToken"), Error: text("Error"), Cause: text("Cause"), Timeout: s.Timeout,
		}
	}
	return effect, bad
}

func (x *Execution) succeed(result any) {
	states := x.states()
	states["result"] = result
	_, bad := encode(result)
	var output any
	var raw json.RawMessage
	if bad == nil {
		output, bad = x.state.output.eval(states)
	}
	if bad == nil {
		raw, bad = encode(output)
	}
	if bad != nil {
		x.recover(bad)
		return
	}
	if x.state.Next != "" {
		x.run(x.state.Next, output, raw, nil)
		return
	}
	x.effect = Done{Status: Succeeded, Output: raw, LastState: x.state.Name}
}

// recover handles an error of the task. The first matching retrier decides whether to retry; if it
// does not, the first matching catcher selects the next state; without one, the execution fails.
func (x *Execution) recover(bad *failure) {
	s := x.state
	i := slices.IndexFunc(s.Retry, func(r Retrier) bool { return matches(r.ErrorEquals, bad.name) })
	if i >= 0 && bad.name != ErrRuntime && x.retried[i] < s.Retry[i].MaxAttempts {
		x.retried[i]++
		shortest, most := s.Retry[i].wait(x.retried[i])
		x.effect = Sleep{State: s.Name, Attempt: x.attempt + 1, Min: shortest, Max: most}
		return
	}
	i = slices.IndexFunc(s.Catch, func(c Catcher) bool { return matches(c.ErrorEquals, bad.name) })
	if i < 0 {
		x.fail(bad)
		return
	}
	states := x.states()
	states["errorOutput"] = map[string]any{"Error": bad.name, "Cause": bad.cause}
	output, worse := s.Catch[i].output.eval(states)
	if worse != nil {
		x.fail(worse)
		return
	}
	x.enter(s.Catch[i].Next, output)
}

func (x *Execution) fail(bad *failure) {
	x.effect = Done{Status: Failed, Error: bad.name, Cause: bad.cause, LastState: x.state.Name}
}

// enteredTime is the form of State.EnteredTime.
const enteredTime = "2006-01-02T15:04:05.000Z"

// noTime is when all states of a machine without a clock are entered.
var noTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (m *Machine) time() time.Time {
	if m.now == nil {
		return noTime
	}
	return m.now().UTC()
}

// states returns the variable $states.
func (x *Execution) states() map[string]any {
	return map[string]any{"input": x.input, "context": map[string]any{
		"Execution": map[string]any{"Name": x.name},
		"State":     map[string]any{"EnteredTime": x.entered.Format(enteredTime), "RetryCount": float64(x.attempt)},
	}}
}

// Names of Step Functions' own errors.
const (
	ErrAll               = "States.ALL" // a wildcard, in Retry and Catch only
	ErrTaskFailed        = "States.TaskFailed"
	ErrTimeout           = "States.Timeout"
	ErrRuntime           = "States.Runtime"
	ErrDataLimitExceeded = "States.DataLimitExceeded"
	ErrQueryEvaluation   = "States.QueryEvaluationError"
	ErrNoChoiceMatched   = "States.NoChoiceMatched"
)

// failure is an error that ends an attempt.
type failure struct{ name, cause string }

func failed(name, cause string, args ...any) *failure {
	return &failure{name, fmt.Sprintf(cause, args...)}
}

// matches reports whether the error names of a retrier or catcher match an error.
func matches(errorEquals []string, name string) bool {
	if slices.Contains(errorEquals, name) {
		return true
	}
	if name == ErrRuntime || name == ErrDataLimitExceeded { // no wildcard covers these
		return false
	}
	return slices.Contains(errorEquals, ErrAll) || slices.Contains(errorEquals, ErrTaskFailed) && name != ErrTimeout
}

// longest is the longest wait that safely fits a time.Duration.
const longest = float64(math.MaxInt64 / 2)

// wait returns the bounds of the wait before retry number n, from 1.
func (r *Retrier) wait(n int) (shortest, most time.Duration) {
	d := float64(r.Interval) * math.Pow(r.BackoffRate, float64(n-1))
	if r.MaxDelay > 0 {
		d = min(d, float64(r.MaxDelay))
	}
	most = time.Duration(min(d, longest))
	if r.FullJitter {
		return 0, most
	}
	return most, most
}

package asl

import (
	"fmt"
	"slices"
)

// enter enters a state and runs until an effect must be answered.
func (x *Execution) enter(name string, input any) {
	for {
		x.state, x.input = x.machine.States[name], input
		x.retried, x.attempt = make([]int, len(x.state.Retry)), 0
		raw, bad := encode(input)
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

// choose returns the state of the first branch whose condition holds.
func (x *Execution) choose() (string, *failure) {
	for _, b := range x.state.Choices {
		v, bad := b.condition.eval(x.states(nil))
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

// try starts an attempt of a task.
func (x *Execution) try() {
	s := x.state
	var token string
	var task map[string]any
	if s.Resource == LambdaInvokeAndWait {
		x.tokens++
		token = fmt.Sprintf("%s/%s/%d", x.name, s.Name, x.tokens)
		task = map[string]any{"Token": token}
	}
	states := x.states(task)
	v, bad := s.argument.eval(states)
	if bad != nil {
		x.recover(bad)
		return
	}
	argument, bad := encode(v)
	if bad != nil {
		x.recover(bad)
		return
	}
	if s.Resource != StatesStart {
		x.effect = Invoke{
			State: s.Name, Function: s.Target, Payload: argument, Timeout: s.Timeout, Attempt: x.attempt,
			Callback: s.Resource == LambdaInvokeAndWait, Token: token,
		}
		return
	}
	v, bad = s.name.eval(states)
	if bad != nil {
		x.recover(bad)
		return
	}
	name, ok := v.(string)
	if !ok {
		x.recover(failed(ErrRuntime, "%s: the name of an execution must be a string", s.name.field))
		return
	}
	x.effect = StartExecution{
		State: s.Name, MachineARN: s.Target, Name: name, Input: argument, Timeout: s.Timeout, Attempt: x.attempt,
	}
}

// succeed ends the task with a result.
func (x *Execution) succeed(result any) {
	if _, bad := encode(result); bad != nil {
		x.recover(bad)
		return
	}
	states := x.states(nil)
	states["result"] = result
	output, bad := x.state.output.eval(states)
	if bad == nil {
		_, bad = encode(output)
	}
	if bad != nil {
		x.recover(bad)
		return
	}
	x.enter(x.state.Next, output)
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
	states := x.states(nil)
	states["errorOutput"] = bad.output()
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

// states returns the variable $states; task is its context.Task.
func (x *Execution) states(task map[string]any) map[string]any {
	c := map[string]any{"Execution": map[string]any{"Name": x.name}}
	if task != nil {
		c["Task"] = task
	}
	return map[string]any{"input": x.input, "context": c}
}

// Package differential compares the interpreter of internal/platform/asl with the emulator: the
// real definitions run on both, with the same inputs and results of tasks, and must enter the same
// states with the same inputs, call the same functions with the same payloads, and end the same
// way. The engine of package workflow is compared with the interpreter. Separate tests show that
// the emulator's known deviations from AWS still exist, so that docs/verification.md stays true.
package differential

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/platform/asl"
)

// interpret runs a case in the interpreter.
func interpret(t testing.TB, c scripted) run {
	t.Helper()
	i := interpreter{t: t, scripted: c, attempts: map[string]int{}}
	done, _ := i.drive("", parse(t, c.Machine).Start(c.Name, json.RawMessage(c.Input)))
	i.States = append(i.States, i.ofChildren...)
	i.Status, i.Error = string(done.Status), done.Error
	if done.Status == asl.Succeeded {
		i.Output = comparable(t, string(done.Output))
	}
	slices.SortStableFunc(i.Calls, func(a, b string) int {
		return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
	})
	return i.run
}

type interpreter struct {
	t testing.TB
	scripted
	run
	ofChildren []string
	attempts   map[string]int // by function
}

// drive runs an execution to its end, and the children for which it waits. For a child it returns
// what that reported.
func (i *interpreter) drive(prefix string, x *asl.Execution) (end asl.Done, report asl.AnswerTask) {
	for over := false; !over; {
		var err error
		switch e := x.Next().(type) {
		case asl.Done:
			end, over = e, true
		case asl.Sleep:
			err = x.Wake()
		case asl.AnswerTask:
			report, err = e, x.Succeed(json.RawMessage(`{}`))
		case asl.StartExecution:
			switch {
			case e.Callback:
				n := i.attempts[e.MachineARN]
				i.attempts[e.MachineARN]++
				child := parse(i.t, e.MachineARN).Start(e.Name, e.Input)
				_, answer := i.drive(fmt.Sprint(e.MachineARN, n, "/"), child)
				if answer.Token != e.Token {
					i.t.Fatalf("%s reports to %q, not to %q", e.Name, answer.Token, e.Token)
				}
				err = reply(x, answer)
			case i.Compensated:
				err = x.Fail("ExecutionAlreadyExists", "")
			default:
				err = x.Succeed(json.RawMessage(`{"ExecutionArn":"arn","StartDate":"now"}`))
			}
		case asl.Invoke:
			i.Calls = append(i.Calls, call(i.t, e.Function, string(e.Payload)))
			answers := i.Answers[e.Function]
			if e.Callback {
				answers = i.Tokens[e.Function]
			}
			a := nth(answers, i.attempts[e.Function])
			i.attempts[e.Function]++
			err = reply(x, asl.AnswerTask{Output: a.Result, Error: a.Error})
		}
		if err != nil {
			i.t.Fatal(err)
		}
	}
	for _, state := range x.Entered() {
		line := prefix + state.Name + " " + comparable(i.t, string(state.Input))
		if prefix == "" {
			i.States = append(i.States, line)
		} else {
			i.ofChildren = append(i.ofChildren, line)
		}
	}
	return end, report
}

// reply answers the task of an execution.
func reply(x *asl.Execution, with asl.AnswerTask) error {
	if with.Error != "" {
		return x.Fail(with.Error, with.Cause)
	}
	return x.Succeed(with.Output)
}

func TestInterpreterDoesWhatTheEmulatorDoes(t *testing.T) {
	em := startEmulator(t)
	// eight at once: most of the time the emulator is only asked again
	for batch := range slices.Chunk(cases(t, 24), 8) {
		for _, c := range batch {
			em.begin(t, c)
		}
		for _, c := range batch {
			t.Run(c.Name, func(t *testing.T) {
				diff := cmp.Diff(em.await(t, c), interpret(t, c))
				if diff == "" {
					return
				}
				// Retry: on a busy machine the emulator may lose a function's result and call it
				// again. A real difference differs each time.
				t.Logf("differs, once: - emulator, + interpreter\n%s", diff)
				c = c.anew()
				if diff := cmp.Diff(em.run(t, c), interpret(t, c)); diff != "" {
					t.Errorf("- emulator, + interpreter\n%s", diff)
				}
			})
		}
	}
	for name, check := range differences {
		t.Run(name, func(t *testing.T) { check(t, em) })
	}
}

// count returns how often a function was called.
func (r run) count(function string) (n int) {
	for _, c := range r.Calls {
		if strings.HasPrefix(c, function+" ") {
			n++
		}
	}
	return n
}

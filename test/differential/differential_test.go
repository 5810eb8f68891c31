// Package differential compares the interpreter of internal/verify/asl with the emulator: the real
// definitions run on both, with the same inputs and results of tasks, and must enter the same
// states with the same inputs, call the same functions with the same payloads, and end the same
// way. Separate tests show that the emulator's known deviations from AWS still exist, so that
// docs/verification.md stays true.
package differential

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/verify/asl"
)

// interpret runs a case in the interpreter.
func interpret(t testing.TB, c scripted) run {
	t.Helper()
	m := parse(t, c.Machine)
	x := m.Start(c.Name, json.RawMessage(c.Input))
	var r run
	attempts, last := map[string]int{}, 0
	note := func() {
		for _, state := range x.Entered()[last:] {
			r.States = append(r.States, state.Name+" "+canonical(t, string(state.Input)))
			last++
		}
	}
	for {
		note()
		var err error
		switch e := x.Next().(type) {
		case asl.Done:
			r.Status, r.Error = string(e.Status), e.Error
			if e.Status == asl.Succeeded {
				r.Output = canonical(t, string(e.Output))
			}
			slices.SortStableFunc(r.Calls, func(a, b string) int {
				return strings.Compare(strings.Fields(a)[0], strings.Fields(b)[0])
			})
			return r
		case asl.Sleep:
			err = x.Wake()
		case asl.StartExecution:
			if c.Compensated {
				err = x.Fail("ExecutionAlreadyExists", "")
			} else {
				err = x.Succeed(json.RawMessage(`{"ExecutionArn":"arn","StartDate":"now"}`))
			}
		case asl.Invoke:
			r.Calls = append(r.Calls, call(t, e.Function, string(e.Payload)))
			answers := c.Answers[e.Function]
			if e.Callback {
				answers = c.Tokens
			}
			a := nth(answers, attempts[e.Function])
			attempts[e.Function]++
			if a.Error != "" {
				err = x.Fail(a.Error, "")
			} else {
				err = x.Succeed(a.Result)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
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
				c = c.again()
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

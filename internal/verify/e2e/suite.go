// Package e2e says which parts of the end-to-end tests do not run on which target, and holds a run to that.
package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/gotest"
)

// Grants is no test but what follows the tests: what roles may do is compared with what functions have done.
const Grants = "what roles may do, compared with what functions did"

// notRun is what does not run on a target, with its reason. On a target that is not here everything runs.
var notRun = map[devstack.Target]map[string]string{
	devstack.LocalStack: {
		"TestTheGatewaysOwnAnswersAreProblems": "LocalStack takes the status of a gateway response, not its template and its headers",
		"TestPagesSeeTheGatewaysOwnAnswers":    "LocalStack takes the status of a gateway response, not its template and its headers",
		Grants:                                 "LocalStack's free edition does not enforce IAM, so no call is refused that should be",
	},
}

// Rush is how many orders are placed at once. LocalStack works at each for more than a second of a processor, ten times as long as
// MiniStack.
func Rush(target devstack.Target) int {
	if target == devstack.LocalStack {
		return 30
	}
	return 200
}

// Outage is how the payment provider goes away and comes back, and how long state machines wait before a retry,
// compared with their definitions. The time before the outage is too short to measure the rate of calls well, and a slow
// machine lowers that rate, so the calls need not fall as far as in `go run ./cmd/dev demo-outage`.
//
// LocalStack takes seconds for an order where MiniStack takes one, so the circuit opens later there. With shorter waits an
// order would use up its attempts before that, and be rejected.
func Outage(target devstack.Target) (p demo.Plan, waits float64) {
	p = demo.Plan{
		Every: 700 * time.Millisecond, Before: 5 * time.Second, Down: 14 * time.Second, After: time.Second,
		Drain: time.Minute, Fall: .5, FallFromBefore: .25,
	}
	if target == devstack.LocalStack {
		p.Every, p.Before, p.Drain = 1500*time.Millisecond, 8*time.Second, 2*time.Minute
		return p, 1
	}
	return p, .4 // or the last order waits for half a minute after all is well
}

// Missing is the reason why a test does not run on a target; it is empty where it does.
func Missing(target devstack.Target, test string) string { return notRun[target][test] }

// Pattern is a regular expression of the tests that do not run on a target; it is empty where all do.
func Pattern(target devstack.Target) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(notRun[target])) {
		if name != Grants {
			names = append(names, "^"+name+"$")
		}
	}
	return strings.Join(names, "|")
}

// A Run is what became of the tests, by name.
type Run map[string]Result

// A Result is what became of a test, and what it and its parts printed.
type Result struct {
	Action string // pass, fail or skip
	Output string
}

// Read reads a run as `go test -json` prints it, and passes on what it would print without. Subtests count as
// part of their test.
func Read(in io.Reader, out io.Writer) (Run, error) {
	run := Run{}
	err := gotest.Read(in, out, func(e gotest.Event) {
		test, _, _ := strings.Cut(e.Test, "/")
		r := run[test]
		if e.Whole() {
			r.Action = e.Action // its last
		}
		r.Output += e.Output
		run[test] = r
	})
	delete(run, "") // of the package
	return run, err
}

// Judge compares a run on a target with all tests that there are. It writes what was not run, each with its reason, and one line
// that says how many were; every test has to have passed or to be on the list, and every test of the list to be there.
func (r Run) Judge(target devstack.Target, tests []string, out io.Writer) error {
	return r.judge(string(target), notRun[target], tests, out)
}

func (r Run) judge(target string, notRun map[string]string, tests []string, out io.Writer) error {
	var wrong []error
	passed := 0
	for _, test := range tests {
		switch became, listed := r[test].Action, notRun[test] != ""; {
		case became == "pass" && !listed:
			passed++
		case became == "" && listed:
		case became == "pass":
			wrong = append(wrong, fmt.Errorf("%s passed on %s, so take it off the list of what does not run there", test, target))
		case became == "":
			wrong = append(wrong, fmt.Errorf("%s did not run on %s, and is not on the list of what does not", test, target))
		default:
			wrong = append(wrong, fmt.Errorf("%s: %s\n%s", test, became, gotest.Tail(r[test].Output, 25)))
		}
	}
	listed := 0
	for _, name := range slices.Sorted(maps.Keys(notRun)) {
		if name != Grants && !slices.Contains(tests, name) {
			wrong = append(wrong, fmt.Errorf("%s, which is not to run on %s, is no test any more", name, target))
		}
		if name != Grants {
			listed++
		}
		fmt.Fprintf(out, "not run on %s: %s: %s\n", target, name, notRun[name])
	}
	if len(tests) == 0 {
		wrong = append(wrong, errors.New("there are no tests"))
	}
	fmt.Fprintf(out, "%s: %d of %d tests passed, %d listed as not run\n", target, passed, len(tests), listed)
	return errors.Join(wrong...)
}

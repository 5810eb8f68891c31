// Package e2e lists the end-to-end tests that do not run on a target, and checks runs against the
// list.
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

// Grants is the check after the tests that compares roles' grants with the calls of their
// functions.
const Grants = "what roles may do, compared with what functions did"

// notRun are the tests that do not run on a target, with reasons.
var notRun = map[devstack.Target]map[string]string{
	devstack.LocalStack: {
		"TestTheGatewaysOwnAnswersAreProblems": "LocalStack takes the status of a gateway response, not its template and its headers",
		"TestPagesSeeTheGatewaysOwnAnswers":    "LocalStack takes the status of a gateway response, not its template and its headers",
		Grants:                                 "LocalStack's free edition does not enforce IAM",
	},
}

// Rush is the number of orders placed at once. LocalStack takes over a second of CPU time for each,
// ten times as long as MiniStack.
func Rush(target devstack.Target) int {
	if target == devstack.LocalStack {
		return 30
	}
	return 200
}

// Outage is the plan of the provider's outage, and how long state machines wait before a retry,
// compared with their definitions. The time before the outage is too short for an exact call rate,
// which a slow machine also lowers, so calls need not fall as far as in `go run ./cmd/dev
// demo-outage`.
//
// LocalStack takes seconds for an order, MiniStack one, so the circuit opens later there. With
// shorter waits an order would use up its attempts before that, and be rejected.
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

// Missing returns why a test does not run on a target, or "".
func Missing(target devstack.Target, test string) string { return notRun[target][test] }

// Pattern returns a regular expression for the tests that do not run on a target, or "".
func Pattern(target devstack.Target) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(notRun[target])) {
		if name != Grants {
			names = append(names, "^"+name+"$")
		}
	}
	return strings.Join(names, "|")
}

// A Run has the results of the tests, by name.
type Run map[string]Result

// A Result is the result of a test, with its output and its subtests'.
type Result struct {
	Action string // pass, fail or skip
	Output string
}

// Read reads the output of `go test -json`, and writes the plain output. Subtests are part of their
// test.
func Read(in io.Reader, out io.Writer) (Run, error) {
	run := Run{}
	err := gotest.Read(in, out, func(e gotest.Event) {
		test, _, _ := strings.Cut(e.Test, "/")
		r := run[test]
		if e.Whole() {
			r.Action = e.Action // the last one counts
		}
		r.Output += e.Output
		run[test] = r
	})
	delete(run, "") // of the package
	return run, err
}

// Judge checks a run on a target: every test must have passed or be listed in notRun, and every
// listed test must exist. It prints the tests not run, with reasons, and a line of counts.
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
			wrong = append(wrong, fmt.Errorf("%s passed on %s: remove it from notRun", test, target))
		case became == "":
			wrong = append(wrong, fmt.Errorf("%s did not run on %s, and is not in notRun", test, target))
		default:
			wrong = append(wrong, fmt.Errorf("%s: %s\n%s", test, became, gotest.Tail(r[test].Output, 25)))
		}
	}
	listed := 0
	for _, name := range slices.Sorted(maps.Keys(notRun)) {
		if name != Grants && !slices.Contains(tests, name) {
			wrong = append(wrong, fmt.Errorf("%s, in notRun of %s, does not exist", name, target))
		}
		if name != Grants {
			listed++
		}
		fmt.Fprintf(out, "not run on %s: %s: %s\n", target, name, notRun[name])
	}
	if len(tests) == 0 {
		wrong = append(wrong, errors.New("no tests found"))
	}
	fmt.Fprintf(out, "%s: %d of %d tests passed, %d listed as not run\n", target, passed, len(tests), listed)
	return errors.Join(wrong...)
}

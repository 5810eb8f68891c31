// Package e2e lists the end-to-end tests that do not run on a target, runs the others, and checks
// runs against the list.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/gotest"
)

// Grants is the check after the tests that compares roles' grants with the calls of their
// functions.
const Grants = "what roles may do, compared with what functions did"

// SAMLocal is the target on which `sam local start-api` serves the API of a stack on MiniStack.
const SAMLocal devstack.Target = "sam-local"

// OneProcessTables is the core as one process with the tables of an emulator.
const OneProcessTables devstack.Target = "one-process-dynamodb"

// Reasons why tests do not run on a target.
const (
	status    = "LocalStack takes the status of a gateway response, not its template and its headers"
	own403    = "SAM answers with its own 403, not with the contract's response"
	notTheAPI = "it tests functions behind the API, which the emulator runs"
	load      = "it takes minutes, and covers no more of the API than the others"
	traces    = "traces of containers are not collected"
	logs      = "LocalStack writes functions' logs to a group for each, not to their service's"
	slow      = "a hundred reads at once take longer there than a caller waits"
	sources   = "LocalStack refuses event source mappings of Kafka, so reporting cannot be deployed there"
	process   = "it tests the native RPC process, which is not behind SAM's API"
	settings  = "functions there have no settings of their own that can be changed"
	another   = "it starts native RPC processes beside the functions; there the RPC is in the process"
	waits     = "waits before retries cannot be shortened there, so it would take two minutes"
	emulator  = "it tests the emulator's guard; that process answers no call of AWS without its own key"
	noStacks  = "there are no stacks"
	noTraces  = "there is no collector"
	noGrants  = "there are no roles"
)

// notRun are the tests that do not run on a target, with reasons.
var notRun = map[devstack.Target]map[string]string{
	devstack.LocalStack: {
		"TestTheGatewaysOwnAnswersAreProblems":              status,
		"TestPagesSeeTheGatewaysOwnAnswers":                 status,
		"TestShadowingFindsADifference":                     logs,
		"TestAMigrationLosesAndDoublesNoOrder":              logs,
		"TestAHundredWatchersOfAnOrderCostOneReadPerSecond": slow,
		"TestStacksOfTheirOwnLeaveTheCoreAsItIs":            sources,
		"TestTheExampleCheckoutOrdersInABrowser":            load,
		Grants:                                              "LocalStack's free edition does not enforce IAM",
	},
	devstack.OneProcess: ofOneProcess, OneProcessTables: ofOneProcess,
	SAMLocal: {
		"TestDemoOrdersEndAsExpected":                            load,
		"TestTheExampleCheckoutOrdersInABrowser":                 load,
		"TestConcurrentOrdersAddUp":                              load,
		"TestAnOutageOfTheProviderCostsNoOrder":                  load,
		"TestAMigrationLosesAndDoublesNoOrder":                   load,
		"TestADeadOldShopStopsOnlyItsOwnOrders":                  notTheAPI,
		"TestACircuitThatOneFunctionOpensIsOpenToAnother":        notTheAPI,
		"TestASagaThatIsStoppedByHandIsUndone":                   notTheAPI,
		"TestAnOperatorDropsAPoisonedMessageAndRedrivesAGoodOne": notTheAPI,
		"TestAnOperatorRetriesAnOrderThatNeedsAttention":         notTheAPI,
		"TestAStoppedIntakeRefusesOnlyNewOrders":                 notTheAPI,
		"TestSweepsFindNothingInAHealthySystem":                  notTheAPI,
		"TestStacksOfTheirOwnLeaveTheCoreAsItIs":                 notTheAPI,
		"TestAStepThatRunsAgainChangesNothing":                   notTheAPI,
		"TestAStepThatComesAfterItsUndoIsRefused":                notTheAPI,
		"TestAnEventThatComesAgainChangesNothing":                notTheAPI,
		"TestTheGatewaysOwnAnswersAreProblems":                   own403,
		"TestPagesSeeTheGatewaysOwnAnswers":                      own403,
		"TestTheLocationBehindASlashLeadsToTheOrder":             "to SAM, a trailing slash makes another path",
		"TestDeadlineThatACallerChoseIsNotOurFault":              "containers start slower than the callers wait",
		"TestAWebPageCannotUseTheLocalStack":                     "the guard protects the emulator, not SAM's API",
		"TestAWebPageCannotTakeAFunctionsWork":                   "functions poll inside the engine's network",
		"TestTextThatIsNotUTF8IsRefused":                         "SAM fails on such a body before a function gets it",
		"TestOneOrderIsOneTrace":                                 traces,
		"TestAnOrderByNativeGRPC":                                process,
		"TestNativeGRPCByPythonGrpcurlAndBuf":                    process,
		"TestConnectClientsUseTheNativeProcess":                  process,
		"TestAHundredWatchersOfAnOrderCostOneReadPerSecond":      process,
		"TestAWatchGoesOnAtAnotherProcess":                       process,
		"TestWithoutPaymentsASummaryByRPCHasTheRestInTime":       process,
		"TestASlowServiceIsDeadlineExceededInTime":               process,
		Grants: traces,
	},
}

// ofOneProcess are the tests that do not run on one process, in memory or with tables.
var ofOneProcess = map[string]string{
	"TestWithoutPaymentsASummaryByRPCHasTheRestInTime":          another,
	"TestAHundredWatchersOfAnOrderCostOneReadPerSecond":         another,
	"TestAWatchGoesOnAtAnotherProcess":                          another,
	"TestAnOutageOfTheProviderCostsNoOrder":                     waits,
	"TestAnOrderWhoseCompensationIsAlwaysStoppedNeedsAttention": settings,
	"TestAnOperatorRetriesAnOrderThatNeedsAttention":            settings,
	"TestOneOrderIsOneTrace":                                    noTraces,
	"TestStacksOfTheirOwnLeaveTheCoreAsItIs":                    noStacks,
	"TestAWebPageCannotUseTheLocalStack":                        emulator,
	"TestAWebPageCannotTakeAFunctionsWork":                      emulator,
	Grants:                                                      noGrants,
}

// Rush is the number of orders placed at once. LocalStack is one Python process, and an order takes
// over two seconds of its CPU time. With 30 at once, some calls take longer there than functions
// wait.
func Rush(target devstack.Target) int {
	if target == devstack.LocalStack {
		return 20
	}
	return 80
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
		p.Every, p.Before, p.Down, p.Drain = 4*time.Second, 12*time.Second, 28*time.Second, 2*time.Minute
		return p, 1
	}
	return p, .1 // or the last order waits for half a minute after the recovery
}

// Parallel is how many tests that call t.Parallel run at a time. Most of their time is waiting on
// MiniStack and in one process; on the other targets an order takes much CPU time, and parallel
// tests would time out.
func Parallel(target devstack.Target) int {
	switch target {
	case "", devstack.MiniStack, devstack.OneProcess, OneProcessTables:
		return 16
	}
	return 1
}

// Migration is the plan of the old clients' migration. Processes are restarted instead of waiting
// until they read a new table.
func Migration(target devstack.Target) demo.Migration {
	p := demo.Migration{
		Every: 500 * time.Millisecond, Customers: 8, Stay: 4 * time.Second, Down: 10 * time.Second,
		Patience: 90 * time.Second,
	}
	switch target {
	case devstack.LocalStack:
		p.Every = 1500 * time.Millisecond
	case devstack.OneProcess, OneProcessTables: // it answers in milliseconds
		p.Every, p.Stay, p.Down = 200*time.Millisecond, 2*time.Second, 5*time.Second
	}
	return p
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

// A Run has the results of the tests, by name; an Output includes that of the subtests. The name of
// the package's own is empty.
type Run map[string]gotest.Result

// longest is the time after which a run is taken for one that hangs. On LocalStack, a slow machine
// needs half an hour.
func longest(target devstack.Target) time.Duration {
	if target == devstack.LocalStack {
		return 40 * time.Minute
	}
	return 15 * time.Minute
}

// RunOn runs the end-to-end tests on a target, with more environment variables, and prints how many
// passed. It fails unless every test passed or is listed in notRun. It also returns how many
// subtests of each test passed.
func RunOn(ctx context.Context, target devstack.Target, env ...string) (parts map[string]int, err error) {
	repo, err := devstack.FindRepo()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	goTest := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "go", append([]string{"test", "./test/e2e"}, args...)...)
		cmd.Dir, cmd.Stderr = string(repo), os.Stderr
		cmd.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags, "ORDERFLOW_E2E_TARGET="+string(target))
		cmd.Env = append(cmd.Env, env...)
		return cmd
	}
	list, err := goTest("-list", "^Test").Output()
	if err != nil {
		return nil, err
	}
	noTest := func(s string) bool { return !strings.HasPrefix(s, "Test") }
	tests := slices.DeleteFunc(strings.Fields(string(list)), noTest)
	// On a signal the tests stop their stack, which takes a while.
	test := goTest("-json", "-v", "-count=1", "-timeout="+longest(target).String())
	test.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // `go test` does not forward signals to the tests
	test.Cancel, test.WaitDelay = func() error { return syscall.Kill(-test.Process.Pid, syscall.SIGINT) }, time.Minute
	output, err := test.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := test.Start(); err != nil {
		return nil, err
	}
	run, parts, err := read(output, os.Stderr)
	ended := test.Wait()
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "in %s, start and deployment included\n", devstack.Seconds(time.Since(begin)))
	// the reason was printed above, such as a stack that did not start
	return parts, errors.Join(ended, run.judge(string(target), notRun[target], tests, os.Stdout))
}

// read reads the output of `go test -json`, and writes the plain output. It also returns how many
// subtests of each test passed.
func read(in io.Reader, out io.Writer) (run Run, parts map[string]int, err error) {
	results, err := gotest.Read(in, out)
	run, parts = Run{}, map[string]int{}
	for _, r := range results {
		name, _, isPart := strings.Cut(r.Test, "/")
		test := run[name]
		if test.Output += r.Output; !isPart {
			test.Action = r.Action
		} else if r.Action == "pass" {
			parts[name]++
		}
		run[name] = test
	}
	return run, parts, err
}

// judge checks a run on a target: every test must have passed or be listed in notRun, and every
// listed test must exist. It prints the tests not run, with reasons, and a line of counts.
func (r Run) judge(target string, notRun map[string]string, tests []string, out io.Writer) error {
	ran := func(test string) bool { return r[test].Action != "" }
	if len(tests) > 0 && !slices.ContainsFunc(tests, ran) {
		return fmt.Errorf("no test ran on %s; it ended with\n%s", target, gotest.Tail(r[""].Output, 25))
	}
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

package samlocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/httpfile"
	"orderflow/internal/verify/gotest"
)

// Reasons why tests of test/e2e do not run against `sam local start-api`.
const (
	notTheAPI = "it tests functions behind the API, which the emulator runs"
	load      = "it takes minutes, and covers no more of the API than the others"
	traces    = "traces of containers are not collected"
)

// leftOut are the tests of test/e2e that do not run against `sam local start-api`, with reasons.
var leftOut = map[string]string{
	"TestTheStoriesOfTheDemoEndAsTheyMust":                   load,
	"TestManyOrdersAtOnceAddUp":                              load,
	"TestAnOutageOfTheProviderCostsNoOrder":                  load,
	"TestACircuitThatOneFunctionOpensIsOpenToAnother":        notTheAPI,
	"TestASagaThatIsStoppedByHandIsUndone":                   notTheAPI,
	"TestAnOperatorDropsAPoisonedMessageAndRedrivesAGoodOne": notTheAPI,
	"TestAnOperatorRetriesAnOrderThatNeedsAttention":         notTheAPI,
	"TestTheSweepsFindNothingWhereAllIsWell":                 notTheAPI,
	"TestAStepThatRunsAgainChangesNothing":                   notTheAPI,
	"TestAStepThatComesAfterItsUndoIsRefused":                notTheAPI,
	"TestAnEventThatComesAgainChangesNothing":                notTheAPI,
	"TestTheGatewaysOwnAnswersAreProblems":                   "SAM answers with its own 403, not with the contract's response",
	"TestPagesSeeTheGatewaysOwnAnswers":                      "SAM answers with its own 403, not with the contract's response",
	"TestTheLocationBehindASlashLeadsToTheOrder":             "to SAM a path with a trailing slash is another one, to API Gateway the same",
	"TestADeadlineThatACallerChoseIsNoFaultOfOurs":           "containers take longer to start than the test's callers wait",
	"TestAWebPageCannotUseTheLocalStack":                     "the guard protects the emulator, not SAM's API",
	"TestAWebPageCannotTakeAFunctionsWork":                   "functions are containers, which poll inside the engine's network",
	"TestTextThatIsNotUTF8IsRefused":                         "SAM fails on such a body before a function gets it",
	"TestOneOrderIsOneTrace":                                 traces,
}

// collection is the test that sends docs/orderflow.http, with a subtest per request.
const collection = "TestTheCollectionForEditorsWorks"

// apiResult counts the requests of the collection with an expected response, and the passed tests,
// each out of a total.
type apiResult struct{ requests, ofRequests, tests, ofTests int }

func (r apiResult) right() bool { return r.requests == r.ofRequests && r.tests == r.ofTests }

// serve starts `sam local start-api` and points functions and third parties to it.
func (w *world) serve(ctx context.Context) (*api, error) {
	served, err := w.sam.startAPI(ctx, w.engine.Gateway)
	if err != nil {
		return nil, err
	}
	for _, service := range []string{"orders", "payments", "inventory", "shipping", "catalog"} {
		if err := w.stack.SetAddress(ctx, service, served.URL); err != nil {
			return nil, errors.Join(err, served.stop())
		}
	}
	// Readiness calls the services, whose containers are still starting: the first call times out.
	if err := served.await(ctx, "/health/ready"); err != nil {
		return nil, errors.Join(err, served.stop())
	}
	return served, nil
}

// testAPI runs the tests of test/e2e against SAM's API. Sagas run in the emulator behind it.
func (w *world) testAPI(ctx context.Context, out io.Writer) (r apiResult, err error) {
	text, err := os.ReadFile(w.sam.repo.Path("docs", "orderflow.http"))
	if err != nil {
		return r, err
	}
	requests, err := httpfile.Parse(string(text))
	if err != nil {
		return r, err
	}
	r.ofRequests = len(requests)
	if err := w.stack.Consume(ctx, true); err != nil {
		return r, err
	}
	began := time.Now()
	served, err := w.serve(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, served.stop()) }()
	fmt.Fprintf(out, "  ✓ sam local start-api (%s)\n", devstack.Seconds(time.Since(began)))
	results, log, err := w.goTest(ctx, served.URL)
	if err != nil {
		return r, err
	}
	for _, name := range slices.Sorted(maps.Keys(results)) {
		test, request, isPart := strings.Cut(name, "/")
		passed := results[name] == "pass"
		switch {
		case test == collection && isPart && passed:
			r.requests++
		case !isPart:
			r.ofTests++
			if passed {
				r.tests++
			}
		}
		if !passed {
			fmt.Fprintf(out, "  ✗ %s %s: %s, see %s\n", test, request, results[name], log)
		}
	}
	return r, nil
}

// goTest runs the tests of test/e2e and returns the results of tests and subtests: pass, fail or
// skip.
func (w *world) goTest(ctx context.Context, url string) (results map[string]string, log string, err error) {
	var skip []string
	for name := range leftOut {
		skip = append(skip, "^"+name+"$")
	}
	slices.Sort(skip)
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-json", "-timeout", "8m", "-skip",
		strings.Join(skip, "|"), "./test/e2e")
	cmd.Dir = string(w.sam.repo)
	cmd.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags, "ORDERFLOW_E2E_STACK="+filepath.Join(w.dir, "stack"),
		"ORDERFLOW_E2E_API="+url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	failed := cmd.Run()
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	log = filepath.Join(w.dir, "e2e.log")

	results = map[string]string{}
	var text strings.Builder
	err = gotest.Read(&said, &text, func(e gotest.Event) {
		if e.Test != "" && e.Ended() {
			results[e.Test] = e.Action
		}
	})
	if err != nil {
		return nil, "", err
	}
	if err := os.WriteFile(log, []byte(text.String()), 0o600); err != nil {
		return nil, "", err
	}
	bad := false
	for _, action := range results {
		bad = bad || action != "pass"
	}
	if len(results) == 0 || failed != nil && !bad {
		return nil, "", fmt.Errorf("go test ./test/e2e: %w (see %s)", failed, log)
	}
	return results, log, nil
}

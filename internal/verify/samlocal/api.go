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

// The reasons why tests of test/e2e are not for `sam local start-api`.
const (
	notTheAPI = "what it is about happens behind the API, in functions that the emulator runs"
	load      = "it takes minutes, and tells nothing of the API that the others do not"
	traces    = "nothing collects the traces of containers"
)

// leftOut are the tests of test/e2e that are not for `sam local start-api`, and why. All others
// are.
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
	"TestTheGatewaysOwnAnswersAreProblems":                   "SAM answers by itself, with 403, and takes no answers from the contract",
	"TestPagesSeeTheGatewaysOwnAnswers":                      "SAM answers by itself, with 403, and takes no answers from the contract",
	"TestTheLocationBehindASlashLeadsToTheOrder":             "SAM knows a path with a slash at its end for another one, and API Gateway for the same",
	"TestADeadlineThatACallerChoseIsNoFaultOfOurs":           "a container takes longer to start than the callers of that test wait",
	"TestAWebPageCannotUseTheLocalStack":                     "the guard stands before the emulator, and SAM serves the API elsewhere",
	"TestAWebPageCannotTakeAFunctionsWork":                   "functions are containers, which ask the engine's own network for work",
	"TestTextThatIsNotUTF8IsRefused":                         "SAM fails over such a body before any function sees it",
	"TestOneOrderIsOneTrace":                                 traces,
}

// collection is the test that sends docs/orderflow.http, a subtest a request.
const collection = "TestTheCollectionForEditorsWorks"

// apiResult is how many requests of the collection were answered as they say, and how many tests
// passed, each of how many.
type apiResult struct{ requests, ofRequests, tests, ofTests int }

func (r apiResult) right() bool { return r.requests == r.ofRequests && r.tests == r.ofTests }

// serve has SAM serve the API, and functions and third parties call it there.
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
	// That calls the services, in containers that are not there yet: the first time it has no
	// patience with them.
	if err := served.await(ctx, "/health/ready"); err != nil {
		return nil, errors.Join(err, served.stop())
	}
	return served, nil
}

// testAPI runs the tests of test/e2e against the API as SAM serves it. What orders start goes on in
// the emulator behind it.
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

// goTest runs the tests of test/e2e and returns what became of each and its parts: pass, fail or
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

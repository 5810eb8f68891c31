// Package conformance checks the running API against its contract, api/openapi.yaml. Schemathesis
// generates valid and invalid requests from it, and checks every response: once as an operator,
// once as a customer. Disabled checks are in schemathesis.toml, with their reasons.
//
// [Run] is `go run ./cmd/dev conformance`. The tests of this package check docs/orderflow.http,
// which test/e2e sends.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/verify/gotest"
)

// Options configure a run.
type Options struct {
	Repo devstack.Repo
	// Dir is the directory of this run's stack and reports.
	Dir string
	// Running uses the stack of `make up` instead, and leaves it running.
	Running bool
	// OneProcess starts the core as one process instead of a stack on an emulator.
	OneProcess bool
	// Examples is the number of random requests per operation, besides the edge cases of its
	// schemas.
	Examples int
	Out      io.Writer
}

// ErrFound is returned if the API violates its contract.
var ErrFound = errors.New("the API does not conform to its contract")

// callers send the generated requests: one with all permissions, one without.
var callers = []struct{ name, role string }{{"olga", "operator"}, {"alice", ""}}

// Run starts a stack, sends requests as every caller, and prints the results. It returns ErrFound
// if there are any failures.
func Run(ctx context.Context, o Options) (err error) {
	report := devstack.NewReporter(os.Stderr)
	if err := o.Repo.SetupPython(ctx, report, "schemathesis"); err != nil {
		return err
	}
	if o.Running {
		stack, err := devstack.Load(ctx, "")
		if err != nil {
			return err
		}
		return o.against(ctx, stack)
	}
	start, opts := devstack.Start, devstack.Options{Repo: o.Repo, Dir: filepath.Join(o.Dir, "stack"), Report: report}
	if o.OneProcess {
		start = func(ctx context.Context, opts devstack.Options) (*devstack.Stack, error) {
			return devstack.StartProcess(ctx, opts, "-throttle=false")
		}
	}
	stack, err := start(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	if err := demo.Of(stack, callers[1].name).Stock(ctx); err != nil {
		return err
	}
	return o.against(ctx, stack)
}

// against sends to a running stack, as all callers concurrently.
func (o Options) against(ctx context.Context, stack *devstack.Stack) error {
	api := stack.Outputs["ApiUrl"]
	results := make([]result, len(callers))
	err := concurrent.Do(len(callers), len(callers), func(i int) error {
		token, err := stack.Token(ctx, callers[i].name, callers[i].role)
		if err == nil {
			results[i], err = o.schemathesis(ctx, api, token, callers[i].name)
		}
		return err
	})
	if err != nil {
		return err
	}
	total, found := 0, 0
	for i, who := range callers {
		r := results[i]
		n := r.TestCases.Failed + r.TestCases.Errored
		if r.ExitCode != 0 && n == 0 {
			n = 1 // an error without a count
		}
		fmt.Fprintf(o.Out, "%sas %-6s %5d cases over %d operations, %d failures (%s)\n", r.log, who.name,
			r.TestCases.Generated, r.Operations.Tested, n, devstack.Seconds(r.took))
		total += r.TestCases.Generated
		found += n
	}
	n, bad, err := undeclared(ctx, api)
	if err != nil {
		return err
	}
	for _, b := range bad {
		fmt.Fprintln(o.Out, "  "+b)
	}
	fmt.Fprintf(o.Out, "methods that no path has: %d cases, %d failures\n", n, len(bad))
	fmt.Fprintf(o.Out, "conformance: %d cases, %d failures\n", total+n, found+len(bad))
	if found+len(bad) > 0 {
		return ErrFound
	}
	return nil
}

// result is the relevant part of schemathesis' report.
type result struct {
	ExitCode   int `json:"exit_code"`
	Operations struct{ Tested int }
	TestCases  struct {
		Generated int
		Failed    int `json:"with_failures"`
		Errored   int
	} `json:"test_cases"`

	took time.Duration
	log  string // its whole output, if it found anything
}

func (o Options) schemathesis(ctx context.Context, api, token, caller string) (result, error) {
	dir := filepath.Join(o.Dir, caller)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return result{}, err
	}
	report := filepath.Join(dir, "report.json")
	cmd := exec.CommandContext(ctx, o.Repo.Path(".tools", "schemathesis", "bin", "schemathesis"), "--config-file",
		o.Repo.Path("internal", "verify", "conformance", "schemathesis.toml"),
		"run", o.Repo.Path("api", "openapi.yaml"), "--url", api, "--max-examples", strconv.Itoa(o.Examples),
		"--no-color", "--report", "json", "--report-json-path", report)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ORDERFLOW_TOKEN=Bearer "+token,
		"SCHEMATHESIS_HOOKS="+o.Repo.Path("internal", "verify", "conformance", "hooks.py"), "HOME="+dir)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	log, failed := cmd.CombinedOutput()
	r := result{took: time.Since(began)}
	var exit *exec.ExitError
	if failed != nil && (ctx.Err() != nil || !errors.As(failed, &exit)) {
		return result{}, errors.Join(ctx.Err(), failed, errors.New(gotest.Tail(string(log), 20)))
	}
	if failed != nil {
		r.log = string(log)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return result{}, errors.Join(err, failed)
	}
	return r, json.Unmarshal(text, &r)
}

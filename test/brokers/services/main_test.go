// Package services_test tests the services with a stack of their own from outside: the core, both
// stacks and the sandbox's warehouse, deployed to a new emulator, with real brokers.
// `go run ./cmd/dev brokers` runs it; without the variable that this sets no test runs.
package services_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/iam"
	"orderflow/internal/verify/testmain"
)

// stack is the system under test, and real are its brokers.
var (
	stack *devstack.Stack
	real  *brokers.Brokers
)

func TestMain(m *testing.M) {
	testmain.Main(m, testmain.Suite{Name: "services", Needs: brokers.Wanted, Limit: 18 * time.Minute,
		Run: func(ctx context.Context, repo devstack.Repo, dir string) (code int, err error) {
			rep := devstack.NewReporter(os.Stderr)
			if stack, err = devstack.Start(ctx, devstack.Options{Repo: repo, Dir: dir, Report: rep}); err != nil {
				return 1, err
			}
			defer func() { err = errors.Join(err, stack.Stop()) }() // brokers and event sources, too
			if real, err = brokers.Up(ctx, rep, stack); err != nil {
				return 1, err
			}
			parameters, err := stack.StackParameters(ctx)
			if err != nil {
				return 1, err
			}
			if err := errors.Join(brokers.RepeatSoon(ctx, stack), shop().Stock(ctx)); err != nil {
				return 1, err
			}
			if err := shop().One(ctx, os.Stderr); err != nil { // prices reach orders with a delay
				return 1, err
			}
			if code = m.Run(); code == 0 && testmain.Whole() {
				return 0, wantGrantsUsed(repo, parameters)
			}
			return code, nil
		}})
}

// wantGrantsUsed compares the grants of the stacks' functions, as deployed with these parameters,
// with their calls.
func wantGrantsUsed(repo devstack.Repo, parameters map[string]map[string]string) error {
	spans, err := os.Open(filepath.Join(stack.Dir(), "traces.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = spans.Close() }()
	report, err := iam.CheckOwn(string(repo), spans, parameters)
	if err != nil {
		return err
	}
	return report.Judge(os.Stdout, repo.Path(".build", "iam-stacks.txt"))
}

func shop() demo.Shop { return demo.Of(stack, "alice") }

// within bounds a test.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits until the look at the system is as wanted.
func eventually[T comparable](ctx context.Context, t *testing.T, what string, want T, look func() (T, error)) {
	t.Helper()
	var got T
	var err error
	for {
		if got, err = look(); err == nil && got == want {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v (%v), want %v", what, got, err, want)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

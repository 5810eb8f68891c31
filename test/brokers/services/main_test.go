// Package services_test tests the services with a stack of their own from outside: the core, both
// stacks and the sandbox's warehouse, deployed to a new emulator, with real brokers.
// `go run ./cmd/dev brokers` runs it; without the variable that this sets no test runs.
package services_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/iam"
)

// stack is the system under test, and real are its brokers.
var (
	stack *devstack.Stack
	real  *brokers.Brokers
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.list").Value.String() != "" {
		os.Exit(m.Run()) // only lists tests
	}
	if os.Getenv(brokers.Wanted) == "" {
		fmt.Println("no test runs: `go run ./cmd/dev brokers` runs these")
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "services:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 18*time.Minute)
	defer cancel()
	repo, err := devstack.FindRepo()
	if err != nil {
		return 1, err
	}
	dir, err := repo.NewRun("services")
	if err != nil {
		return 1, err
	}
	rep := devstack.NewReporter(os.Stderr)
	opts := devstack.Options{Repo: repo, Dir: filepath.Join(dir, "stack"), Report: rep}
	if stack, err = devstack.Start(ctx, opts); err != nil {
		return 1, fmt.Errorf("%w (logs in %s)", err, dir)
	}
	defer func() { err = errors.Join(err, stack.Stop()) }() // brokers and event sources, too
	if real, err = brokers.Up(ctx, rep, stack); err != nil {
		return 1, err
	}
	if err := errors.Join(repeatSoon(ctx), shop().Stock(ctx)); err != nil {
		return 1, err
	}
	if err := shop().One(ctx, os.Stderr); err != nil { // prices reach orders with a delay
		return 1, err
	}
	if code = m.Run(); code == 0 && flag.Lookup("test.run").Value.String() == "" {
		return 0, wantCallsGranted(ctx, repo)
	}
	return code, nil
}

// repeatSoon lets messages that could not be passed to a broker come again after 20 s, not minutes.
func repeatSoon(ctx context.Context) error {
	queues := sqs.NewFromConfig(stack.Config())
	for _, function := range []string{"forward-events", "send-pick-job"} {
		name := "orderflow-" + function
		queue, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return err
		}
		_, err = queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: queue.QueueUrl,
			Attributes: map[string]string{"VisibilityTimeout": "20"}})
		if err != nil {
			return err
		}
	}
	return nil
}

// wantCallsGranted compares the calls of the services' functions with their grants. Not every
// function runs here: `go run ./cmd/dev iam --running` tells of grants that are not used.
func wantCallsGranted(ctx context.Context, repo devstack.Repo) error {
	spans, err := os.Open(filepath.Join(stack.Dir(), "traces.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = spans.Close() }()
	parameters, err := stack.StackParameters(ctx)
	if err != nil {
		return err
	}
	report, err := iam.CheckOwn(string(repo), spans, parameters)
	if err != nil {
		return err
	}
	fmt.Println("roles of services with stacks of their own:", report.Sum())
	if report.Missing > 0 {
		return errors.New(strings.Join(report.Problems, "\n"))
	}
	return nil
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

// Package e2e_test tests the whole system, deployed with the SAM CLI to a new emulator on a free
// port, from outside: the HTTP API, the payment provider's own ledger, the e-mail inbox, the
// queues. It is independent of other stacks.
//
// Parallel tests have orders and stock of their own, or order the CUP. Tests that change what
// others need (a circuit, a route, the payment provider), or that take the emulator's whole CPU
// time, run before them, one at a time.
package e2e_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/verify/e2e"
	"orderflow/internal/verify/iam"
	"orderflow/internal/verify/testmain"
)

// stack is the system under test.
var stack *devstack.Stack

func TestMain(m *testing.M) {
	testmain.Main(m, testmain.Suite{Name: "e2e", Limit: 5 * time.Minute,
		Run: func(ctx context.Context, repo devstack.Repo, dir string) (int, error) { return run(ctx, m, repo, dir) }})
}

func run(ctx context.Context, m *testing.M, repo devstack.Repo, dir string) (code int, err error) {
	target, whole := devstack.Target(os.Getenv("ORDERFLOW_E2E_TARGET")), testmain.Whole()
	if skip := e2e.Pattern(target); whole && skip != "" {
		if err := flag.Set("test.skip", skip); err != nil {
			return 1, err
		}
	}
	if err := flag.Set("test.parallel", strconv.Itoa(e2e.Parallel(target))); err != nil {
		return 1, err
	}
	if running := os.Getenv("ORDERFLOW_E2E_STACK"); running != "" {
		return against(ctx, m, running)
	}
	opts := devstack.Options{Target: target, Repo: repo, Dir: dir,
		NoAuthorizer: os.Getenv("ORDERFLOW_E2E_AUTHORIZER") == "none", Report: devstack.NewReporter(os.Stderr)}
	switch target {
	case devstack.OneProcess:
		stack, err = devstack.StartProcess(ctx, opts, "-throttle=false")
	case e2e.OneProcessTables:
		tables, failed := devstack.StartEmulator(ctx, devstack.Options{Dir: filepath.Join(dir, "aws"), Repo: repo})
		if failed != nil {
			return 1, failed
		}
		defer func() { err = errors.Join(err, tables.Stop()) }()
		opts.Env = tables.Environ()
		stack, err = devstack.StartProcess(ctx, opts, "-throttle=false", "-store", "dynamodb", "-create-tables")
	default:
		stack, err = devstack.Start(ctx, opts)
	}
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	if err := stock(ctx); err != nil {
		return 1, err
	}
	if err := shop().One(ctx, os.Stderr); err != nil { // prices reach orders with a delay
		return 1, err
	}
	defer stopWhenTold(stack)()
	code = m.Run()
	if whole && e2e.Missing(target, e2e.Grants) == "" {
		err = wantGrantsUsed(repo, dir)
	}
	return code, err
}

// against runs tests on the running stack of a directory, and keeps it running. Its API is at
// ORDERFLOW_E2E_API.
func against(ctx context.Context, m *testing.M, dir string) (code int, err error) {
	if stack, err = devstack.Load(ctx, dir); err != nil {
		return 1, err
	}
	stack.Outputs["ApiUrl"] = os.Getenv("ORDERFLOW_E2E_API")
	if err := stock(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// stock puts the demo's products up for sale, and the CUP, which the demo does not sell.
func stock(ctx context.Context) error {
	if err := shop().Sell(ctx, "CUP", "Cup", 1999, 1000); err != nil {
		return err
	}
	return shop().Stock(ctx)
}

// stopWhenTold stops the stack when this process gets a signal, until end is called.
func stopWhenTold(s *devstack.Stack) (end func()) {
	told := make(chan os.Signal, 1)
	signal.Notify(told, os.Interrupt, syscall.SIGTERM)
	go func() {
		if _, ok := <-told; ok {
			fmt.Fprintln(os.Stderr, "e2e: stopped:", s.Stop())
			os.Exit(1)
		}
	}()
	return func() {
		signal.Stop(told)
		close(told)
	}
}

// wantGrantsUsed compares the functions' calls, by their spans, with their roles' grants; `go run
// ./cmd/dev iam` shows the table.
func wantGrantsUsed(repo devstack.Repo, dir string) error {
	spans, err := os.Open(filepath.Join(dir, "traces.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = spans.Close() }()
	report, err := iam.Check(string(repo), spans)
	if err != nil {
		return err
	}
	return report.Judge(os.Stdout, repo.Path(".build", "iam.txt"))
}

// clientOf returns a client for a user with a role; an empty role is a customer.
func clientOf(user, role string) *client.Client {
	return &client.Client{BaseURL: stack.Outputs["ApiUrl"], Token: func(ctx context.Context) (string, error) {
		return stack.Token(ctx, user, role)
	}}
}

func customer() *client.Client { return clientOf("alice", "") }

// userOf and customerOf are a customer of a test's own, since one customer's orders under way are
// limited.
func userOf(t *testing.T) string { return strings.ToLower(t.Name()) }

func customerOf(t *testing.T) *client.Client { return clientOf(userOf(t), "") }

func operator() *client.Client { return clientOf("olga", "operator") }

func shop() demo.Shop { return demo.Of(stack, "alice") }

func saga(ctx context.Context, orderID string) (timeline.Timeline, error) {
	return shop().Saga(ctx, orderID)
}

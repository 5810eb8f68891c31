// Package e2e_test runs the whole system, deployed by the real SAM path to an emulator of its own on a
// free port, and looks at it from outside: the HTTP API, the payment provider's own ledger, the e-mail
// inbox, the queues. It needs no other stack and disturbs none.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"orderflow/internal/client"
	"orderflow/internal/demo"
	"orderflow/internal/devstack"
	"orderflow/internal/timeline"
)

// stack is the system under test.
var stack *devstack.Stack

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	repo, err := devstack.FindRepo()
	if err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp(filepath.Join(string(repo), ".build"), "e2e-")
	if err != nil {
		return 1, err
	}
	if stack, err = devstack.Start(ctx, devstack.Options{Repo: repo, Dir: dir, Report: devstack.NewReporter(os.Stderr)}); err != nil {
		return 1, fmt.Errorf("%w (logs in %s)", err, dir)
	}
	defer func() {
		if stopped := stack.Stop(); err == nil {
			err = stopped
		}
	}()
	if err := shop().Stock(ctx); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// as is the API for a user with a role; an empty role is a customer.
func as(user, role string) *client.Client {
	return &client.Client{BaseURL: stack.Outputs["ApiUrl"], Token: func(ctx context.Context) (string, error) {
		return stack.Token(ctx, user, role)
	}}
}

func customer() *client.Client { return as("alice", "") }
func operator() *client.Client { return as("olga", "operator") }

func shop() demo.Shop { return demo.Of(stack, "alice") }

func saga(ctx context.Context, orderID string) (timeline.Timeline, error) {
	return shop().Saga(ctx, orderID)
}

// Package brokers_test tests what needs the real brokers, Kafka and RabbitMQ: the brokers as
// package brokers starts them. `go run ./cmd/dev brokers` runs it; without the variable that this
// sets no test runs.
package brokers_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/devstack"
)

// real are the brokers under test.
var real *brokers.Brokers

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
		fmt.Fprintln(os.Stderr, "brokers:", err)
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
	dir, err := repo.NewRun("brokers")
	if err != nil {
		return 1, err
	}
	rep := devstack.NewReporter(os.Stderr)
	if real, err = brokers.Start(ctx, repo, rep, filepath.Join(dir, "stack"), "test"); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, real.Stop(), os.RemoveAll(dir)) }()
	return m.Run(), nil
}

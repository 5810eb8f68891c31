// Package testmain starts and stops the system that the tests of a suite share and that takes
// minutes to start.
package testmain

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"orderflow/internal/dev/devstack"
)

// Suite is the suite of a package.
type Suite struct {
	Name  string        // of its directories in .build, and in its errors
	Needs string        // an environment variable without which no test runs; empty: none
	Limit time.Duration // for everything

	// Run starts the system in dir, runs the tests and stops the system. If it fails, dir is kept
	// until the suite runs again.
	Run func(ctx context.Context, repo devstack.Repo, dir string) (code int, err error)
}

// Main ends the process with the tests' exit code. If tests are only listed, nothing is started.
func Main(m *testing.M, s Suite) {
	flag.Parse()
	if flag.Lookup("test.list").Value.String() != "" {
		os.Exit(m.Run())
	}
	if s.Needs != "" && os.Getenv(s.Needs) == "" {
		fmt.Printf("no test runs without %s: see `go run ./cmd/dev help`\n", s.Needs)
		return
	}
	code, err := s.run()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
		code = 1
	}
	os.Exit(code)
}

func (s Suite) run() (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), s.Limit)
	defer cancel()
	repo, err := devstack.FindRepo()
	if err != nil {
		return 1, err
	}
	dir, err := repo.NewRun(s.Name)
	if err != nil {
		return 1, err
	}
	if code, err = s.Run(ctx, repo, filepath.Join(dir, "stack")); err != nil {
		return 1, fmt.Errorf("%w (logs in %s)", err, dir)
	}
	if code == 0 {
		err = os.RemoveAll(dir)
	}
	return code, err
}

// Whole reports whether all tests of the suite run.
func Whole() bool {
	return flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
}

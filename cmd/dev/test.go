package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/ddb/ddbtest"
)

func tests() *cobra.Command {
	return &cobra.Command{
		Use:   "test [-- FLAG...]",
		Short: "Run all tests, with the end-to-end tests in parallel to the others",
		Long: `Run all tests with a bare emulator. The end-to-end tests mostly wait, so the others run beside
them, with a lower priority. Flags are passed on to ` + "`go test`.",
		Example: "  go run ./cmd/dev test -- -count=1",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, flags []string) error {
			return inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
				if os.Getenv(ddbtest.Endpoint) != "" {
					return testBeside(ctx, repo, flags)
				}
				self, err := os.Executable()
				if err != nil {
					return err
				}
				return inEmulator(ctx, repo, append([]string{self, "test", "--"}, flags...))
			})(cmd, flags)
		},
	}
}

const endToEnd = "./test/e2e"

// background begins a command that gets the time that others leave. Where the system has it, this
// is the policy SCHED_IDLE, whose processes give way at once. Behind processes that are only nice,
// the emulator's hundreds of threads wait for a processor and then for each other, until tests run
// out of time.
func background() []string {
	if _, err := exec.LookPath("chrt"); err == nil {
		return []string{"chrt", "--idle", "0"}
	}
	return []string{"nice"}
}

// testBeside runs the end-to-end tests and all others in parallel.
func testBeside(ctx context.Context, repo devstack.Repo, flags []string) error {
	list := exec.CommandContext(ctx, "go", "list", "./...")
	list.Dir, list.Stderr = string(repo), os.Stderr
	listed, err := list.Output()
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(strings.Fields(string(listed)),
		func(pkg string) bool { return strings.HasSuffix(pkg, strings.TrimPrefix(endToEnd, ".")) })
	slices.SortStableFunc(others, func(a, b string) int { return cmp.Compare(turn(a), turn(b)) })
	// Otherwise two commands would compile the same packages. Nothing runs if tests are only
	// listed.
	compile := exec.CommandContext(ctx, "go", "test", "-list", "^$", endToEnd)
	compile.Dir, compile.Stderr = string(repo), os.Stderr
	if err := compile.Run(); err != nil {
		return err
	}
	var one sync.Mutex // a line at a time, to either
	goTest := append([]string{"go", "test", "-timeout", "15m"}, flags...)
	var ended [2]error
	var both sync.WaitGroup
	for n, argv := range [][]string{
		append(slices.Clone(goTest), endToEnd), slices.Concat(background(), goTest, others),
	} {
		both.Go(func() {
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // G204: flags are the caller's
			cmd.Dir = string(repo)
			cmd.Stdout, cmd.Stderr = &lines{to: os.Stdout, one: &one}, &lines{to: os.Stderr, one: &one}
			cmd.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // `go test` does not forward signals to the tests
			cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
			cmd.WaitDelay = time.Minute
			ended[n] = cmd.Run()
		})
	}
	both.Wait()
	if err := errors.Join(ended[:]...); err == nil || ctx.Err() != nil {
		return err
	}
	return exitCode(1) // go test has printed the reason
}

// first are the packages that run before all others, in turns. Tests of the first turn limit
// durations: they run while the end-to-end tests still deploy, before those use the whole
// processor. Those of the second take longest: begun last, one of them would run alone in the end.
var first = [][]string{
	{"internal/gateway", "internal/platform", "internal/verify/faults"},
	{"internal/inventory", "internal/verify/prove", "internal/verify/sim", "internal/verify/tables",
		"test/differential"},
}

// turn is the turn in which a package runs.
func turn(pkg string) int {
	for n, dirs := range first {
		if slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(pkg, "orderflow/"+dir) }) {
			return n
		}
	}
	return len(first)
}

// lines is a writer that passes on whole lines, so that those of several programs do not mix.
type lines struct {
	to   io.Writer
	one  *sync.Mutex
	rest []byte
}

func (l *lines) Write(b []byte) (int, error) {
	l.rest = append(l.rest, b...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	if end == 0 {
		return len(b), nil
	}
	l.one.Lock()
	defer l.one.Unlock()
	_, err := l.to.Write(l.rest[:end])
	l.rest = append(l.rest[:0], l.rest[end:]...)
	return len(b), err
}

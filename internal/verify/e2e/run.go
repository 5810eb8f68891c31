package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
)

// RunOn runs the end-to-end tests on a target, and prints how many passed. It fails unless every
// test passed or is listed in notRun.
func RunOn(ctx context.Context, target devstack.Target) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	begin := time.Now()
	tests, err := list(ctx, repo)
	if err != nil {
		return err
	}
	// On a signal the tests stop their stack, which takes a while.
	test := exec.CommandContext(ctx, "go", "test", "-json", "-v", "-count=1", "-timeout=15m", "./test/e2e")
	test.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // `go test` does not forward signals to the tests
	test.Cancel, test.WaitDelay = func() error { return syscall.Kill(-test.Process.Pid, syscall.SIGINT) }, time.Minute
	test.Dir, test.Env, test.Stderr = string(repo), append(os.Environ(), "GOFLAGS="+devstack.GoFlags,
		"ORDERFLOW_E2E_TARGET="+string(target)), os.Stderr
	output, err := test.StdoutPipe()
	if err != nil {
		return err
	}
	if err := test.Start(); err != nil {
		return err
	}
	results, err := Read(output, os.Stderr)
	ended := test.Wait()
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "in %s, start and deployment included\n", devstack.Seconds(time.Since(begin)))
	// the reason was printed above, such as a stack that did not start
	return errors.Join(ended, results.Judge(target, tests, os.Stdout))
}

// list returns the names of all tests.
func list(ctx context.Context, repo devstack.Repo) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-list", "^Test", "./test/e2e")
	cmd.Dir, cmd.Env, cmd.Stderr = string(repo), append(os.Environ(), "GOFLAGS="+devstack.GoFlags), os.Stderr
	out, err := cmd.Output()
	var tests []string
	for line := range strings.Lines(string(out)) {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, "Test") {
			tests = append(tests, name)
		}
	}
	return tests, err
}

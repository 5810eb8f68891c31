package sam

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
)

// CLI is the SAM CLI of a repository's tools, in a directory of sources.
type CLI struct {
	program string
	sources devstack.Repo
	env     []string
}

// NewCLI returns the SAM CLI for an emulator, with more environment variables. It keeps its files in
// home.
func NewCLI(ctx context.Context, repo, sources devstack.Repo, emulator *devstack.Emulator, home string,
	env ...string) (CLI, error) {
	if err := os.MkdirAll(filepath.Join(home, ".aws-sam"), 0o755); err != nil {
		return CLI{}, err
	}
	// HOME is SAM's: set Go's directories explicitly.
	dirs, err := exec.CommandContext(ctx, "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return CLI{}, err
	}
	cache, modules, _ := strings.Cut(strings.TrimSpace(string(dirs)), "\n")
	env = slices.Concat(os.Environ(), emulator.SAMEnviron(home), env,
		[]string{"GOCACHE=" + cache, "GOMODCACHE=" + modules})
	return CLI{repo.Path(".tools", "sam", "bin", "sam"), sources, env}, nil
}

// Command returns `sam args…`. When ctx ends it gets a signal first, so that it can remove its
// containers.
func (c CLI) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Dir, cmd.Env = string(c.sources), c.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// Run runs `sam args…` and returns its output, which an error has, too.
func (c CLI) Run(ctx context.Context, args ...string) (string, error) {
	out, err := c.Command(ctx, args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("sam %s: %w\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), out)
	}
	return string(out), err
}

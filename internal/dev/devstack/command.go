package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command runs a program whose output matters only if it fails.
type command struct {
	dir  string   // working directory
	env  []string // whole environment; nil inherits this process's
	log  string   // file that gets the output; "" keeps it in memory
	name string
	args []string
}

// run waits for the program. The error has the command, the end of its output and the log's path.
func (c command) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, c.name, c.args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	// Its own group, so that cancelling ends its children, too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second

	var out []byte
	var err error
	if c.log == "" {
		out, err = cmd.CombinedOutput()
	} else {
		f, openErr := os.Create(c.log)
		if openErr != nil {
			return openErr
		}
		cmd.Stdout, cmd.Stderr = f, f
		err = errors.Join(cmd.Run(), f.Close())
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	where := ""
	if c.log != "" {
		where = " (full log: " + c.log + ")"
		out, _ = os.ReadFile(c.log)
	}
	return fmt.Errorf("%s %s: %w%s\n%s", c.name, strings.Join(c.args, " "), err, where, tail(out, 25))
}

// tail returns the last n lines of out, indented.
func tail(out []byte, n int) string {
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return "    " + strings.Join(lines, "\n    ")
}

// environ returns this process's environment overridden by NAME=value entries.
func environ(set ...string) []string { return append(os.Environ(), set...) }

// Lacking is the error of a command that needs something which this machine lacks and the project
// does not install. It says what to do.
type Lacking string

const cannotRun = "cannot run here: "

// Error implements error.
func (l Lacking) Error() string { return cannotRun + string(l) }

// LackingIn returns what a command lacked, by its output, or "".
func LackingIn(output []byte) string {
	_, what, _ := strings.Cut(string(output), cannotRun)
	what, _, _ = strings.Cut(what, "\n")
	return what
}

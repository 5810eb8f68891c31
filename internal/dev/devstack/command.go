package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command runs a program whose output matters only if it fails.
type command struct {
	dir  string   // working directory
	env  []string // whole environment; nil inherits this process's
	log  string   // file that gets the output at the end; may be ""
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

	out, err := cmd.CombinedOutput()
	where := ""
	if c.log != "" {
		where = " (full log: " + c.log + ")"
		err = errors.Join(err, os.WriteFile(c.log, out, 0o600))
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w%s\n%s", c.name, strings.Join(c.args, " "), err, where, tail(out, 25))
	}
	return nil
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

// Reporter prints steps and their durations. A nil Reporter prints nothing.
type Reporter struct {
	mu  sync.Mutex
	out io.Writer
}

// NewReporter returns a Reporter that prints to out.
func NewReporter(out io.Writer) *Reporter { return &Reporter{out: out} }

// Do runs f, and prints its name at the start and its duration at the end.
func (r *Reporter) Do(name string, f func() error) error {
	r.Printf("  … %s\n", name)
	start, mark := time.Now(), "✓"
	err := f()
	if err != nil {
		mark = "✗"
	}
	r.Printf("  %s %s (%s)\n", mark, name, Seconds(time.Since(start)))
	return err
}

// Printf prints one message. It is safe for concurrent use.
func (r *Reporter) Printf(format string, args ...any) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.out, format, args...)
}

// Seconds formats a duration for people.
func Seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

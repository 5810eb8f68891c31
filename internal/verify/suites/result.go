package suites

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/gotest"
)

// A Result is the result of a suite.
type Result struct {
	Suite
	Rows    []Row
	Lacking string // what the machine lacks to run it
	Err     error
	Took    time.Duration
	Log     string
}

// run runs the suite's command, with its output in a log.
func (s Suite) run(ctx context.Context, repo, logs string) Result {
	r := Result{Suite: s, Log: filepath.Join(logs, s.Name+".log")}
	began := time.Now()
	var output bytes.Buffer
	argv, err := s.argv()
	if err != nil {
		r.Err = err
		return r
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = repo, &output, &output
	// An interrupt reaches it, too; it ends what it has started.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	err = cmd.Run()
	r.Took = time.Since(began)
	said := r.judge(output.Bytes(), err)
	if err := os.WriteFile(r.Log, []byte(said), 0o600); err != nil && r.Err == nil {
		r.Err = err
	}
	return r
}

// judge evaluates the output of a command that ended with err, and returns it as text.
func (r *Result) judge(output []byte, err error) string {
	read := report{text: string(output)}
	if r.Tests != nil {
		read, r.Err = goTests(output, r.Tests)
	}
	if what := devstack.LackingIn(output); err != nil && what != "" {
		r.Lacking = what
		return read.text
	}
	for _, f := range r.Figures {
		row, missing := f.read(read.text)
		if missing != nil && r.Err == nil {
			r.Err = missing
		} else if missing == nil {
			read.rows = append(read.rows, row)
		}
	}
	r.Rows = read.rows
	for _, row := range r.Rows {
		if row.Passed+row.Listed != row.Of || row.Passed == 0 {
			r.Err = fmt.Errorf("%s: %d of %d %s", row.Suite, row.Passed, row.Of, row.Unit)
		}
	}
	switch {
	case err != nil && read.failed != "":
		r.Err = fmt.Errorf("%w\n%s", err, read.failed)
	case err != nil:
		r.Err = fmt.Errorf("%w; it ended with\n%s", err, gotest.Tail(read.text, 40))
	case r.Err == nil && len(r.Rows) == 0:
		r.Err = errors.New("it printed no counts")
	}
	return read.text
}

// places returns where the suite would have run; one for all Go tests.
func (s Suite) places() []place {
	if s.Tests != nil {
		return []place{s.Tests("")}
	}
	var all []place
	for _, f := range s.Figures {
		all = append(all, f.place)
	}
	return all
}

func (r Result) line() string {
	mark := "✓"
	switch {
	case r.Err != nil:
		mark = "✗"
	case r.Lacking != "":
		mark = "–"
	}
	return fmt.Sprintf("  %s %s (%s)\n", mark, r.Name, r.Took.Round(time.Second))
}

// table returns the counts by target and suite, then what did not run, with reasons.
func table(results []Result) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "target\tsuite\tpassed\tof\t\tcommand\ttime")
	var not []string
	for _, r := range results {
		took, command := r.Took.Round(time.Second).String(), r.short()
		for _, row := range r.Rows {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", row.Target, row.Suite, row.Passed, row.Of, row.Unit, command,
				took)
			not, took = append(not, row.Skipped...), "″"
		}
		if r.Lacking != "" {
			for _, p := range r.places() {
				fmt.Fprintf(w, "%s\t%s\tnot run\t\t\t%s\t\n", p.Target, p.Suite, command)
			}
			not = append(not, command+": "+r.Lacking)
		}
		if r.Err != nil {
			fmt.Fprintf(w, "\t%s\tFAILED\t\t\t%s\t%s\n", r.Name, command, r.Log)
		}
	}
	w.Flush()
	if len(not) > 0 {
		out.WriteString("\nnot run:\n  " + strings.Join(not, "\n  ") + "\n")
	}
	return out.String()
}

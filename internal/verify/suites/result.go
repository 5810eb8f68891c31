package suites

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/gotest"
)

// A Row is one line of the table.
type Row struct {
	place
	Passed, Of int
	Listed     int // of these, not run for a reason
	Unit       string
	Skipped    []string // what did not run, with reasons
}

// A Result is the result of a suite.
type Result struct {
	Suite
	Rows    []Row
	Lacking string // what the machine lacks to run it
	Err     error
	// Disturbed are tests that passed only when they ran again, with why they failed before.
	Disturbed []string
	Took      time.Duration
	Log       string
}

// run runs the suite's command, with its output in a log. It reports to out what it does besides.
func (s Suite) run(ctx context.Context, out io.Writer, repo, logs string) Result {
	r := Result{Suite: s, Log: filepath.Join(logs, s.Name+".log")}
	began := time.Now()
	printed, err := output(ctx, repo, s.Program, s.Args)
	text := r.judge(printed, err)
	if failed := r.disturbed(printed); len(failed) > 0 && ctx.Err() == nil {
		text = r.again(ctx, out, repo, printed, failed)
	}
	r.Took = time.Since(began)
	if err := os.WriteFile(r.Log, []byte(text), 0o600); r.Err == nil {
		r.Err = err
	}
	return r
}

// output runs a program and returns what it prints.
func output(ctx context.Context, repo, program string, args []string) ([]byte, error) {
	if program == goRunDev { // `go run` does not forward signals, so this executable replaces it
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = self
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = repo, append(os.Environ(), "GOFLAGS="+devstack.GoFlags)
	// An interrupt reaches it, too; it ends what it has started.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	return cmd.CombinedOutput()
}

// judge evaluates the output of a command that ended with err, and returns it as text.
func (r *Result) judge(output []byte, err error) string {
	text, failed := string(output), ""
	if r.Tests != nil {
		text, failed = r.readTests(output)
	}
	if what := devstack.LackingIn(output); err != nil && what != "" {
		r.Rows, r.Lacking = nil, what
		return text
	}
	for _, f := range r.Figures {
		row, missing := f.read(text)
		if missing == nil {
			r.Rows = append(r.Rows, row)
		} else if r.Err == nil {
			r.Err = missing
		}
	}
	for _, row := range r.Rows {
		if row.Passed+row.Listed != row.Of || row.Passed == 0 {
			r.Err = fmt.Errorf("%s: %d of %d %s", row.Suite, row.Passed, row.Of, row.Unit)
		}
	}
	switch {
	case err != nil && failed != "":
		r.Err = fmt.Errorf("%w\n%s", err, failed)
	case err != nil:
		r.Err = fmt.Errorf("%w; it ended with\n%s", err, gotest.Tail(text, 40))
	case r.Err == nil && len(r.Rows) == 0:
		r.Err = errors.New("it printed no counts")
	}
	return text
}

var notRun = regexp.MustCompile(`(?m)^not run on (.*)$`)

func (f figure) read(text string) (Row, error) {
	row := Row{place: f.place, Unit: f.Unit}
	pattern := regexp.MustCompile(f.Pattern)
	match := pattern.FindStringSubmatch(text)
	if match == nil {
		return row, fmt.Errorf("no line with the counts of %q, like %s", f.Suite, f.Pattern)
	}
	count := map[string]int{}
	for i, name := range pattern.SubexpNames() {
		count[name], _ = strconv.Atoi(match[i]) // all groups are digits
	}
	row.Passed, row.Of, row.Listed = count["passed"], count["of"], count["listed"]
	if pattern.SubexpIndex("of") < 0 {
		row.Of = row.Passed + count["failed"]
	}
	if pattern.SubexpIndex("passed") < 0 {
		row.Passed = row.Of - count["failed"]
	}
	if row.Listed > 0 {
		for _, reason := range notRun.FindAllStringSubmatch(text, -1) {
			row.Skipped = append(row.Skipped, reason[1])
		}
		if len(row.Skipped) < row.Listed {
			return row, fmt.Errorf("%d %s did not run, without reasons", row.Listed, f.Unit)
		}
	}
	return row, nil
}

// readTests counts the top-level tests in the output of `go test -json` by place. It returns the
// plain output, and that of failed tests.
func (r *Result) readTests(output []byte) (text, failed string) {
	var plain strings.Builder
	tests, err := gotest.Read(bytes.NewReader(output), &plain)
	r.Err = err
	rows := map[place]Row{}
	for _, test := range tests {
		at := r.Tests(test.Package)
		row := rows[at]
		row.place, row.Unit = at, "tests"
		switch {
		case test.Action == "skip" && test.Test != "":
			row.Skipped = append(row.Skipped, short(test)+": "+reason(test.Output))
		case test.Whole() && test.Action == "pass":
			row.Passed, row.Of = row.Passed+1, row.Of+1
		case test.Whole() && test.Action == "fail":
			row.Of++
		}
		if test.Action == "fail" {
			failed += test.Output
		}
		if row.Of > 0 || row.Skipped != nil {
			rows[at] = row
		}
	}
	r.Rows = slices.SortedFunc(maps.Values(rows),
		func(a, b Row) int { return strings.Compare(a.Target+a.Suite, b.Target+b.Suite) })
	return plain.String(), failed
}

// reason returns the last output of a skipped test.
func reason(output string) string {
	last := "it does not say why"
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "--- ") && !strings.HasPrefix(line, "=== ") {
			last = line
		}
	}
	return last
}

// table returns the counts by target and suite, then what did not run, with reasons.
func table(results []Result) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "target\tsuite\tpassed\tof\t\tcommand\ttime")
	var not, disturbed []string
	for _, r := range results {
		disturbed = append(disturbed, r.Disturbed...)
		took, command := r.Took.Round(time.Second).String(), r.Program+" "+r.Args[0]
		for _, row := range r.Rows {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\n", row.Target, row.Suite, row.Passed, row.Of, row.Unit, command,
				took)
			not, took = append(not, row.Skipped...), "″"
		}
		if r.Lacking != "" {
			if r.Tests != nil {
				p := r.Tests("")
				fmt.Fprintf(w, "%s\t%s\tnot run\t\t\t%s\t\n", p.Target, p.Suite, command)
			}
			for _, f := range r.Figures {
				fmt.Fprintf(w, "%s\t%s\tnot run\t\t\t%s\t\n", f.Target, f.Suite, command)
			}
			not = append(not, command+": "+r.Lacking)
		}
		if r.Err != nil {
			fmt.Fprintf(w, "\t%s\tFAILED\t\t\t%s\t%s\n", r.Name, command, r.Log)
		}
	}
	_ = w.Flush()
	for _, list := range []struct {
		title string
		of    []string
	}{{"passed only when they ran again, by themselves", disturbed}, {"not run", not}} {
		if len(list.of) > 0 {
			fmt.Fprintf(&out, "\n%s:\n  %s\n", list.title, strings.Join(list.of, "\n  "))
		}
	}
	return out.String()
}

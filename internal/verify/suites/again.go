package suites

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/verify/gotest"
)

// maxDisturbed is how many tests of a suite may run again.
const maxDisturbed = 3

// faulty matches output that a slow machine does not explain.
var faulty = regexp.MustCompile(`panic: |fatal error: |DATA RACE|found unexpected goroutines`)

// disturbed returns the failed tests if other work on the machine may be the reason: they are few,
// nothing else failed, and they do not run in virtual time.
func (r *Result) disturbed(output []byte) (failed []gotest.Result) {
	results, err := gotest.Read(bytes.NewReader(output), io.Discard)
	if !r.Again || err != nil {
		return nil
	}
	for _, test := range results {
		if test.Whole() && test.Action == "fail" {
			failed = append(failed, test)
		}
	}
	for _, test := range results {
		of := func(f gotest.Result) bool { return f.Package == test.Package }
		switch test.Action {
		case "pass", "skip":
			continue
		case "fail":
			if slices.ContainsFunc(failed, of) && r.Tests(test.Package).Target != virtualTime &&
				!faulty.MatchString(test.Output) {
				continue
			}
		}
		return nil
	}
	if len(failed) > maxDisturbed {
		return nil
	}
	return failed
}

// again runs the failed tests a second time, by themselves, and judges the suite with their second
// results. It returns the output of both runs.
func (r *Result) again(ctx context.Context, out io.Writer, repo string, first []byte,
	failed []gotest.Result) string {
	var names, packages []string
	for _, test := range failed {
		fmt.Fprintf(out, "  … %s once more, by itself\n", short(test))
		names, packages = append(names, test.Test), append(packages, test.Package)
	}
	slices.Sort(packages)
	args := []string{"exec", "--", "go", "test", "-json", "-count=1", "-run", "^(" + strings.Join(names, "|") + ")$"}
	second, err := output(ctx, repo, goRunDev, append(args, slices.Compact(packages)...))
	return r.judgeAgain(first, second, err, failed)
}

// judgeAgain evaluates the outputs of two runs, of which the second ended with err. The suite
// succeeds if all tests that failed have passed now.
func (r *Result) judgeAgain(first, second []byte, err error, failed []gotest.Result) string {
	text := r.judge(slices.Concat(first, []byte("\n"), second), err)
	results, _ := gotest.Read(bytes.NewReader(second), io.Discard) // judge has reported an error
	for _, test := range failed {
		passed := func(now gotest.Result) bool {
			return now.Package == test.Package && now.Test == test.Test && now.Action == "pass"
		}
		if r.Err == nil && !slices.ContainsFunc(results, passed) {
			r.Err = fmt.Errorf("%s failed, and has not passed since", short(test))
		}
		r.Disturbed = append(r.Disturbed, short(test)+": "+reason(test.Output))
	}
	if r.Err != nil {
		r.Disturbed = nil
	}
	return text
}

// short is a test's package and name.
func short(test gotest.Result) string {
	return strings.TrimPrefix(test.Package, "orderflow/") + "." + test.Test
}

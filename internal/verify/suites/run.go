package suites

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"orderflow/internal/dev/devstack"
)

// Options choose what to run.
type Options struct {
	Only   []string      // names of suites; empty: all
	Strict bool          // fail if a suite does not run
	Within time.Duration // skip suites that would probably not finish in this time; 0: no limit
}

// Names returns the names of all suites, in order.
func Names() (names []string) {
	for _, s := range suites {
		names = append(names, s.Name)
	}
	return names
}

// Run runs the chosen suites in order. It fails if one of them fails.
func Run(ctx context.Context, out io.Writer, o Options) error {
	chosen, err := choose(o.Only)
	if err != nil {
		return err
	}
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	logs := repo.Path(".build", "test-all")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	began := time.Now()
	var results []Result
	for _, s := range chosen {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r := Result{Suite: s}
		if r.Lacking = late(time.Since(began), s.About, o.Within); r.Lacking == "" {
			fmt.Fprintf(out, "  … %s %s (about %s)\n", s.Program, strings.Join(s.Args, " "), s.About)
			r = s.run(ctx, out, string(repo), logs)
		}
		mark := "✓"
		switch {
		case r.Err != nil:
			mark = "✗"
		case r.Lacking != "":
			mark = "–"
		}
		fmt.Fprintf(out, "  %s %s (%s)\n", mark, r.Name, r.Took.Round(time.Second))
		results = append(results, r)
	}
	fmt.Fprint(out, "\n", table(results))
	fmt.Fprintf(out, "\n%d suites in %s\n", len(results), time.Since(began).Round(time.Second))
	return verdict(results, o.Strict)
}

func choose(wanted []string) ([]Suite, error) {
	for _, w := range wanted {
		if !slices.Contains(Names(), w) {
			return nil, fmt.Errorf("unknown suite %q: use one of %s", w, strings.Join(Names(), ", "))
		}
	}
	return slices.DeleteFunc(slices.Clone(suites), func(s Suite) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, s.Name)
	}), nil
}

// late returns why there is no time left for a suite, or "".
func late(since, about, within time.Duration) string {
	if within == 0 || since+about <= within {
		return ""
	}
	return fmt.Sprintf("%s of %s are over, and it takes about %s", since.Round(time.Second), within, about)
}

// verdict fails if a suite failed or, if strict, did not run.
func verdict(results []Result, strict bool) error {
	var err error
	for _, r := range results {
		switch {
		case r.Err != nil:
			err = errors.Join(err, fmt.Errorf("%s failed: %w", r.Name, r.Err))
		case r.Lacking != "" && strict:
			err = errors.Join(err, fmt.Errorf("%s did not run: %s", r.Name, r.Lacking))
		}
	}
	return err
}

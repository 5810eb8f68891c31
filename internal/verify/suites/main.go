package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "test-all:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var names []string
	for _, s := range suites {
		names = append(names, s.Name)
	}
	only := flag.String("only", "", "these suites, with commas between, of: "+strings.Join(names, ", "))
	strict := flag.Bool("strict", false, "fail if a suite does not run")
	within := flag.Duration("within", 0, "start no suite that would probably not end in this time, such as 25m; 0 for all the time it takes")
	flag.Parse()
	chosen, err := choose(*only, names)
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
		if r.Lacking = late(time.Since(began), s.About, *within); r.Lacking == "" {
			fmt.Printf("  … %s (about %s)\n", strings.Join(s.Command, " "), s.About)
			r = s.run(ctx, string(repo), logs)
		}
		fmt.Print(r.line())
		results = append(results, r)
	}
	fmt.Print("\n", table(results))
	fmt.Printf("\n%d suites in %s\n", len(results), time.Since(began).Round(time.Second))
	return verdict(results, *strict)
}

func choose(only string, names []string) ([]Suite, error) {
	if only == "" {
		return suites, nil
	}
	wanted := strings.Split(only, ",")
	for _, w := range wanted {
		if !slices.Contains(names, w) {
			return nil, fmt.Errorf("there is no suite %q: choose of %s", w, strings.Join(names, ", "))
		}
	}
	var chosen []Suite
	for _, s := range suites {
		if slices.Contains(wanted, s.Name) {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

// late is why there is no time for a suite that takes about so long; "" if there is.
func late(since, about, within time.Duration) string {
	if within == 0 || since+about <= within {
		return ""
	}
	return fmt.Sprintf("%s of %s are over, and it takes about %s", since.Round(time.Second), within, about)
}

// verdict is an error if a suite failed, or, when strict, did not run.
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

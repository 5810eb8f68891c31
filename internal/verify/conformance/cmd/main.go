// Command conformance holds the API of a stack of its own to its contract, and exits with 1 if it is otherwise. See package
// orderflow/internal/verify/conformance.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/conformance"
)

func main() {
	var o conformance.Options
	flag.IntVar(&o.Examples, "examples", 4, "random requests for each operation, besides those at the edges of its schemas")
	flag.BoolVar(&o.Running, "running", false, "send to the stack that is up already, and leave it up")
	limit := flag.Duration("limit", 8*time.Minute, "for everything: the stack, which may have to be built, and both callers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, *limit)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o conformance.Options) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	o.Repo, o.Out = repo, os.Stdout
	if o.Dir, err = repo.NewRun("conformance"); err != nil {
		return err
	}
	if err := conformance.Run(ctx, o); err != nil {
		return fmt.Errorf("%w (reports in %s)", err, o.Dir)
	}
	return os.RemoveAll(o.Dir)
}

// Command samlocal runs every function by `sam local invoke`, and the API by `sam local start-api`, and exits with 1 if any does otherwise than is wanted.
// See package orderflow/internal/verify/samlocal.
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
	"orderflow/internal/verify/samlocal"
)

func main() {
	hold := flag.Bool("hold", false, "test nothing: have the API up, tell what to type, and wait for Ctrl-C")
	limit := flag.Duration("limit", 15*time.Minute, "for everything: engine, stack, builds, and all that runs in containers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if !*hold {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, *limit)
		defer cancel()
	}
	if err := run(ctx, *hold); err != nil {
		fmt.Fprintln(os.Stderr, "samlocal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, hold bool) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	dir, err := repo.NewRun("samlocal")
	if err != nil {
		return err
	}
	do := samlocal.Run
	if hold {
		do = samlocal.Hold
	}
	if err := do(ctx, samlocal.Options{Repo: repo, Dir: dir, Out: os.Stdout}); err != nil {
		return fmt.Errorf("%w (logs in %s)", err, dir)
	}
	return os.RemoveAll(dir)
}

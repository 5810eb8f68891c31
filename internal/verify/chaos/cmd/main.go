// Command chaos makes chaos on a stack of its own and exits with 1 if that leaves anything wrong.
package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/chaos"
)

func main() {
	opts := chaos.Options{Out: os.Stdout, Rest: 150 * time.Second}
	flag.Uint64Var(&opts.Seed, "seed", 0, "what decides the draws; 0: a new one")
	flag.IntVar(&opts.Orders, "orders", 320, "orders to place")
	flag.IntVar(&opts.Kills, "kills", 60, "least number of processes to kill")
	flag.IntVar(&opts.Stops, "stops", 15, "least number of executions to stop")
	flag.IntVar(&opts.Copies, "copies", 100, "least number of events to publish again")
	flag.DurationVar(&opts.Over, "over", 75*time.Second, "how long the faults go on, at least")
	flag.Parse()
	if opts.Seed == 0 {
		opts.Seed = rand.Uint64N(1_000_000) + 1 // short enough to be typed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, opts); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// limit is for everything, but for what has to be installed and compiled once.
const limit = 8 * time.Minute

func run(ctx context.Context, opts chaos.Options) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(repo.Path(".build"), 0o755); err != nil {
		return err
	}
	if opts.Dir, err = os.MkdirTemp(repo.Path(".build"), "chaos-"); err != nil {
		return err
	}
	return chaos.Run(ctx, opts)
}

// Command bench reports the start of every function against a hello-world one, and exits with 1 beyond the limits.
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
	"orderflow/internal/verify/bench"
)

func main() {
	rounds := flag.Int("rounds", 15, "rounds that count")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	hello, programs, err := bench.Functions(ctx, repo, devstack.NewReporter(os.Stderr))
	if err != nil {
		return err
	}
	sizes, err := bench.Sizes(append(programs, hello))
	if err != nil {
		return err
	}
	base, starts, counted, err := bench.Measure(ctx, hello, programs, bench.Plan{Rounds: rounds, Warmup: 2, Budget: 45 * time.Second,
		Progress: func(done, of int) { fmt.Fprintf(os.Stderr, "\r  … round %d of %d", done, of) }})
	fmt.Fprintln(os.Stderr)
	if err != nil {
		return err
	}
	if err := bench.Print(os.Stdout, base, starts, sizes); err != nil {
		return err
	}
	time, cpu := bench.Judge(starts, bench.Wall), bench.Judge(starts, bench.CPU)
	fmt.Printf("\n%d functions, %d rounds, medians: start median %.2f, worst %.2f (%s); CPU median %.2f, worst %.2f (%s); limits %.1f and %.1f\n",
		len(starts), counted, time.Median, time.Worst, time.Slowest, cpu.Median, cpu.Worst, cpu.Slowest, bench.MaxMedian, bench.MaxWorst)
	return time.Err()
}

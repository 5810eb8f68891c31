// Command sim runs the whole system in one process under faults, seed by seed, and fails if a promise is broken or a
// path was never reached. See package orderflow/internal/verify/sim.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"orderflow/internal/verify/sim"
)

func main() {
	var o sim.Options
	root := flag.String("root", ".", "the repository")
	seeds := flag.Int("seeds", 240, "how many seeds to run")
	first := flag.Uint64("first", 1, "the first of them")
	seed := flag.Uint64("seed", 0, "run this one seed and print its timeline")
	mutant := flag.String("mutant", "", "with -seed: break the system as the mutant does whose name has this in it")
	order := flag.String("order", "", "with -seed: print only what is about this order")
	flag.IntVar(&o.Orders, "orders", 50, "orders a seed")
	flag.DurationVar(&o.Duration, "duration", 25*time.Minute, "virtual time in which faults strike; orders are placed in its first half")
	mutants := flag.Bool("mutants", false, "break the system on purpose, in every way known, and see that it is noticed")
	flag.Parse()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what functions log is thousands of lines a second
	debug.SetGCPercent(400)                        // worlds are small and short-lived: memory for time

	ok, err := run(*root, *seeds, *first, *seed, *order, *mutant, *mutants, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(root string, seeds int, first, seed uint64, order, mutant string, mutants bool, o sim.Options) (bool, error) {
	switch {
	case mutants:
		return sim.HuntMutants(root, seeds, o, os.Stdout)
	case seed != 0:
		return sim.Replay(root, seed, order, mutant, o, os.Stdout)
	}
	return sim.Campaign(root, first, seeds, o, os.Stdout)
}

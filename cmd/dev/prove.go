package main

import (
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/faults"
	"orderflow/internal/verify/prove"
	"orderflow/internal/verify/sim"
)

func simulate() *cobra.Command {
	var o sim.Options
	var seeds int
	var first, seed uint64
	var mutants bool
	var mutant, order string
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate 12,000 orders under injected faults",
		Long: `Run the whole system in one process under faults, seed by seed. Fail if a promise is broken or a path
is never reached. A seed always gives the same run: --seed replays one and prints its timeline.`,
		Example: "  go run ./cmd/dev sim --seed 7 --order 01KAQ5M3Z8V7D2X4C6B9N1T0RW\n  go run ./cmd/dev sim --mutants",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := devstack.FindRepo()
			if err != nil {
				return err
			}
			slog.SetDefault(slog.New(slog.DiscardHandler)) // functions log thousands of lines a second
			debug.SetGCPercent(400)                        // worlds are small and short-lived: memory for time
			var ok bool
			switch out := cmd.OutOrStdout(); {
			case mutants:
				ok, err = sim.HuntMutants(string(repo), seeds, o, out)
			case seed != 0:
				ok, err = sim.Replay(string(repo), seed, order, mutant, o, out)
			default:
				ok, err = sim.Campaign(string(repo), first, seeds, o, out)
			}
			return verdict(ok, err)
		},
	}
	f := cmd.Flags()
	f.IntVar(&seeds, "seeds", 240, "how many seeds to run")
	f.Uint64Var(&first, "first", 1, "the first of them")
	f.Uint64Var(&seed, "seed", 0, "run this one seed and print its timeline")
	f.StringVar(&mutant, "mutant", "", "with --seed: apply the mutant whose name contains this")
	f.StringVar(&order, "order", "", "with --seed: print only the lines of this order")
	f.IntVar(&o.Orders, "orders", 50, "orders a seed")
	f.DurationVar(&o.Duration, "duration", 25*time.Minute,
		"virtual time in which faults strike; orders are placed in its first half")
	f.BoolVar(&mutants, "mutants", false, "apply every mutant in turn, and fail if one is not detected")
	return cmd
}

func search() *cobra.Command {
	var limit uint
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Search all paths of a saga for one that leaves an order in a wrong state",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			repo, err := devstack.FindRepo()
			if err != nil {
				return err
			}
			slog.SetDefault(slog.New(slog.DiscardHandler)) // use cases would log millions of lines
			return verdict(prove.Search(cmd.OutOrStdout(), repo.Path("statemachines"), limit))
		},
	}
	cmd.Flags().UintVar(&limit, "faults", 3, "most faults in a run")
	return cmd
}

func faultDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "faults",
		Short: "Make the payment provider fail in every way, and show how its callers cope",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			slog.SetDefault(slog.New(slog.DiscardHandler)) // circuits log their changes
			return faults.Demonstrate(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

// verdict returns exit code 1 if a check failed; the details have already been printed.
func verdict(ok bool, err error) error {
	if err == nil && !ok {
		return exitCode(1)
	}
	return err
}

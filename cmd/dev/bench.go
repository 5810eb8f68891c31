package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/bench"
)

// benchmarks are the measurements of docs/performance.md.
func benchmarks() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bench",
		Short:   "Measure what an order costs and how fast functions start",
		Example: "  go run ./cmd/dev bench cost",
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "all",
		Short: "Measure everything, and print one page: figure, goal, measured, before",
		Long:  "Measure everything, and print one page. Latency is measured on the running stack, if there is one.",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			slog.SetDefault(slog.New(slog.DiscardHandler)) // simulated functions log
			stack, err := devstack.Load(ctx, "")
			if err != nil {
				stack = nil // there is none
			}
			return bench.Page(ctx, out, repo, stack, report())
		}),
	}, &cobra.Command{
		Use:   "cost",
		Short: "Count every unit that AWS bills for an order, by function, with its price",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			cases, err := bench.Cost(ctx, repo)
			if err != nil {
				return err
			}
			return bench.PrintCost(out, cases)
		}),
	}, benchGrowth(), benchLatency(), benchServe(), benchStart())
	return cmd
}

func benchGrowth() *cobra.Command {
	var sizes []int
	return flags(&cobra.Command{
		Use:     "growth",
		Short:   "Count the table units that each call consumes while the number of stored orders grows",
		Example: "  go run ./cmd/dev bench growth --orders 1000,1000000",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			return compute(ctx, report(), "counting", often, func() (bool, error) {
				grown, err := bench.Growth(ctx, repo, sizes...)
				if err != nil {
					return false, err
				}
				call, ratio := grown.Worst()
				err = grown.Print(out)
				fmt.Fprintf(out, "\nthe largest growth is %.2f (%s), the limit %.2f\n", ratio, call, bench.MaxGrowth)
				return ratio <= bench.MaxGrowth, err
			})
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().IntSliceVar(&sizes, "orders", []int{1_000, 10_000, 100_000}, "`numbers` of orders in the tables")
	})
}

func benchLatency() *cobra.Command {
	var orders int
	return flags(&cobra.Command{
		Use:   "latency",
		Short: "Compare accepting an order and its saga with minimal functions, on the running stack",
		Long: `Compare accepting an order and its saga with minimal functions, on the running stack. Orders are
placed one at a time; it takes a minute and a half, and ends after some three minutes with fewer orders.`,
		Example: "  make up && go run ./cmd/dev bench latency",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) error {
			l, err := bench.MeasureLatency(ctx, s, orders, report())
			if err != nil {
				return err
			}
			return l.Print(out)
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().IntVar(&orders, "orders", 20, "orders to place, after warm-up")
	})
}

func benchServe() *cobra.Command {
	var orders int
	var store string
	return flags(&cobra.Command{
		Use:   "serve",
		Short: "Measure the core as one process: start, orders per second, latency, memory",
		Long:  `Measure the core as one process. With --store dynamodb its tables are where AWS_ENDPOINT_URL says.`,
		Example: "  go run ./cmd/dev bench serve --orders 100000\n" +
			"  go run ./cmd/dev exec -- go run ./cmd/dev bench serve --store dynamodb --orders 300",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			s, err := bench.MeasureServe(ctx, repo, orders, "-store", store, "-create-tables")
			if err != nil {
				return err
			}
			return s.Print(out)
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().IntVar(&orders, "orders", 5000, "orders to place at the same time")
		cmd.Flags().StringVar(&store, "store", "memory", "`store` of the process: memory or dynamodb")
	})
}

func benchStart() *cobra.Command {
	var rounds int
	return flags(&cobra.Command{
		Use:     "start",
		Short:   "Compare the start time of every function with that of a hello-world function",
		Example: "  go run ./cmd/dev bench start --rounds 50",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Run(cmd.Context(), cmd.OutOrStdout(), rounds)
		},
	}, func(cmd *cobra.Command) {
		cmd.Flags().IntVar(&rounds, "rounds", 15, "rounds to measure, after warm-up")
	})
}

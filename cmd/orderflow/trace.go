package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/traces"
)

func showTrace(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "trace ORDER",
		Short: "Show the trace of an order, from the request to the last e-mail",
		Long: `Show an order's trace as a tree: every request, step, event and call made for it, with its start,
duration, function and error.

Traces come from the local stack's collector, or with --from from another one that speaks Zipkin's
API.`,
		Example: "  orderflow trace 01KAQ5M3Z8V7D2X4C6B9N1T0RW",
		Args:    orderID,
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				d, err := a.deployment()
				if err != nil {
					return fmt.Errorf("%w: `make up` starts a stack here; else give --from", err)
				}
				if from = d.outputs["TracesUrl"]; from == "" {
					return errors.New("this deployment names no collector: on AWS look in X-Ray, " +
						"start a process with -traces-url, or give the address of a collector with --from")
				}
			}
			spans, err := traces.Of(cmd.Context(), from, args[0])
			if errors.Is(err, traces.ErrNone) {
				return fmt.Errorf("order %[1]s has no trace: "+
					"`orderflow order get %[1]s` shows whether the order exists", args[0])
			}
			if err != nil {
				return err
			}
			if a.output == "table" {
				return traces.Write(cmd.OutOrStdout(), spans)
			}
			return a.print(cmd, spans, func(io.Writer) {})
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "`address` of a collector (default: the local stack's)")
	return cmd
}

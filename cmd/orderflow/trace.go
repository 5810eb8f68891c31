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
		Short: "Show everything that was done for an order, from the request to the last e-mail",
		Long: `Show an order's trace: every request, step, event and call that was made for it, each below what caused it, with when it
began, how long it took, the function, and how it failed if it did.

The local stack's collector has it; for another one that answers as Zipkin does, give its address.`,
		Example: "  orderflow trace 01KAQ5M3Z8V7D2X4C6B9N1T0RW",
		Args:    orderID,
		RunE: func(cmd *cobra.Command, args []string) error {
			if from == "" {
				d, err := a.deployment()
				if err != nil {
					return fmt.Errorf("%w: `make up` starts a stack here; else give --from", err)
				}
				if from = d.outputs["TracesUrl"]; from == "" {
					return errors.New("the deployment has no collector of its own: its traces are in AWS X-Ray, or give --from")
				}
			}
			spans, err := traces.Of(cmd.Context(), from, args[0])
			if errors.Is(err, traces.ErrNone) {
				return fmt.Errorf("there is no trace of order %[1]s: `orderflow order get %[1]s` tells whether there is such an order", args[0])
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

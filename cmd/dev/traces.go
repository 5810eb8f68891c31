package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/traces"
)

func traceUI() *cobra.Command {
	return &cobra.Command{
		Use:   "trace-ui",
		Short: "Show traces in Zipkin, and where the last order's is",
		Long: `Start Zipkin, installed on first use, with the traces that the stack has and will have, and print the address of the last
order's. Needs Java 17 or newer and Maven. "down" stops it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			url, err := stack.View(cmd.Context(), report())
			if err != nil {
				return err
			}
			fmt.Printf("Zipkin   %s/zipkin/\n", url)
			last, err := traces.Last(cmd.Context(), stack.TracesURL)
			if errors.Is(err, traces.ErrNone) {
				fmt.Println("no order was placed yet: `make demo` places six")
				return nil
			}
			if err == nil {
				fmt.Printf("last     %s/zipkin/traces/%s\n", url, last[0].TraceID)
			}
			return err
		},
	}
}

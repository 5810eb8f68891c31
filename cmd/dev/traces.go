package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/collector"
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

// collectTraces is the process that keeps a local stack's spans.
func collectTraces() *cobra.Command {
	var listen, file, name string
	cmd := &cobra.Command{
		Use:   "collector",
		Short: "Keep the spans of a local stack; `up` starts this",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return collector.Serve(listen, file, name) },
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "`address` to listen on")
	cmd.Flags().StringVar(&file, "file", "", "`file` that keeps the spans")
	cmd.Flags().StringVar(&name, "name", "", "what GET /health answers with")
	return cmd
}

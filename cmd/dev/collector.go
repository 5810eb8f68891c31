package main

import (
	"github.com/spf13/cobra"

	"orderflow/internal/dev/collector"
)

// collectTraces runs the collector of a local stack's spans.
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
	cmd.Flags().StringVar(&name, "name", "", "`name` that GET /health returns")
	return cmd
}

package main

import (
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/repair"
)

func logs(a *app) *cobra.Command {
	var last time.Duration
	cmd := &cobra.Command{
		Use:   "logs ORDER",
		Short: "Show what all functions logged about an order",
		Long: `Show what all functions logged about an order, oldest first. Metrics are left out.

` + stackFileHelp,
		Example: "  orderflow logs 01KAQ5M3Z8V7D2X4C6B9N1T0RW --last 2h",
		Args:    orderID,
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			all := repair.Logs{Client: cloudwatchlogs.NewFromConfig(s.cfg), Stack: s.stack}
			lines, err := all.About(cmd.Context(), args[0], time.Now().Add(-last))
			if err != nil {
				return err
			}
			return a.print(cmd, lines, func(w io.Writer) {
				row(w, "TIME", "LEVEL", "FUNCTION", "MESSAGE")
				for _, l := range lines {
					message := l.Message
					if l.Error != "" {
						message += ": " + l.Error
					}
					row(w, l.Time.UTC().Format("2006-01-02T15:04:05.000Z"), l.Level, l.Function, message)
				}
			})
		}),
	}
	cmd.Flags().DurationVar(&last, "last", 24*time.Hour, "how far back to look")
	return cmd
}

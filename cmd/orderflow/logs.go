package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/printable"
)

func (s site) logs() repair.Logs {
	return repair.Logs{Client: cloudwatchlogs.NewFromConfig(s.cfg), Stack: s.stack}
}

func logs(a *app) *cobra.Command {
	var last time.Duration
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs ORDER",
		Short: "Show what all functions logged about an order",
		Long: `Show what all functions logged about an order, oldest first; with --follow also new
lines, until you interrupt it. As JSON, --follow writes one line at a time. Metrics are left out.

` + stackFileHelp,
		Example: "  orderflow logs 01KAQ5M3Z8V7D2X4C6B9N1T0RW --last 2h\n" +
			"  orderflow logs 01KAQ5M3Z8V7D2X4C6B9N1T0RW --follow",
		Args: orderID,
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			since := time.Now().Add(-last)
			if follow {
				err := s.logs().Follow(cmd.Context(), args[0], since, func(lines []repair.Line) error {
					return a.printNew(cmd, lines)
				})
				if errors.Is(err, context.Canceled) {
					return nil // interrupted
				}
				return err
			}
			lines, err := s.logs().About(cmd.Context(), args[0], since)
			if err != nil {
				return err
			}
			return a.print(cmd, lines, func(w io.Writer) {
				row(w, "TIME", "LEVEL", "FUNCTION", "MESSAGE")
				for _, l := range lines {
					row(w, cells(l)...)
				}
			})
		}),
	}
	cmd.Flags().DurationVar(&last, "last", 24*time.Hour, "how far back to look")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep showing new lines")
	return cmd
}

// printNew prints lines as they come, in columns of fixed width.
func (a *app) printNew(cmd *cobra.Command, lines []repair.Line) error {
	for _, l := range lines {
		var err error
		if a.output == "json" {
			err = json.NewEncoder(cmd.OutOrStdout()).Encode(l)
		} else {
			_, err = fmt.Fprintln(cmd.OutOrStdout(), printable.Escape(fmt.Sprintf("%s  %-5s  %-20s  %s", cells(l)...)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cells are time, level, function and message of a line, with its error.
func cells(l repair.Line) []any {
	message := l.Message
	if l.Error != "" {
		message += ": " + l.Error
	}
	return []any{l.Time.UTC().Format("2006-01-02T15:04:05.000Z"), l.Level, l.Function, message}
}

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"orderflow/internal/fulfilment"
)

func retryOrder(a *app) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "retry ORDER --reason WHY",
		Short: "Try again to undo an order that needs attention (operators)",
		Long: `Start the compensation of an order once more, when what kept it from being undone is mended. What was undone before is not undone again.
The order then ends as REJECTED or CANCELLED; "saga show" shows how far it is. Who did this and why is kept with the execution and in
the audit.

` + stackFileHelp,
		Example: `  orderflow order retry 01KAQ5M3Z8V7D2X4C6B9N1T0RW --reason "the provider is back, INC-4711"`,
		Args:    orderID,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			b, err := a.site(ctx)
			if err != nil {
				return err
			}
			action, err := b.action(ctx, why, "order retry")
			if err != nil {
				return err
			}
			action.Subject = args[0]
			var name string
			err = b.audit().Do(ctx, action, func(ctx context.Context) error {
				name, err = b.fulfilment().RetryCompensation(ctx, args[0], action.User+" ("+action.Who+")", why)
				return err
			})
			switch {
			case errors.Is(err, fulfilment.ErrExists):
				return fmt.Errorf("somebody else has just started the same attempt: `orderflow saga show %s` shows it", args[0])
			case errors.Is(err, fulfilment.ErrNoExecution):
				return fmt.Errorf("there is no saga of order %s: `orderflow order get %s` tells whether there is such an order", args[0], args[0])
			case err != nil:
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "started %s\n`orderflow saga show %s` shows it\n", name, args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "why; it is written down with who you are")
	return cmd
}

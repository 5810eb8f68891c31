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
		Short: "Retry the compensation of an order that needs attention (operators)",
		Long: `Start the compensation of an order again, once its cause of failure is fixed. Steps that are already
undone are not undone twice. The order ends as REJECTED or CANCELLED; "saga show" shows the
progress. The execution and the audit log record who did this and why.

` + stackFileHelp,
		Example: `  orderflow order retry 01KAQ5M3Z8V7D2X4C6B9N1T0RW --reason "the provider is back, INC-4711"`,
		Args:    orderID,
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			ctx, id := cmd.Context(), args[0]
			action, err := s.action(ctx, why, "order retry")
			if err != nil {
				return err
			}
			action.Subject = id
			var name string
			err = s.audit().Do(ctx, action, func(ctx context.Context) error {
				name, err = s.fulfilment().RetryCompensation(ctx, id, action.User+" ("+action.Who+")", why)
				return err
			})
			switch {
			case errors.Is(err, fulfilment.ErrExists):
				return fmt.Errorf("this attempt is already started: `orderflow saga show %s` shows it", id)
			case errors.Is(err, fulfilment.ErrNoExecution):
				return a.whyNoSaga(ctx, id)
			case err != nil:
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "started %s\n`orderflow saga show %s` shows it\n", name, id)
			return nil
		}),
	}
	reasonFlag(cmd, &why)
	return cmd
}

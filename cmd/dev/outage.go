package main

import (
	"errors"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/intercept"
)

func showOutage() *cobra.Command {
	return &cobra.Command{
		Use:   "demo-outage",
		Short: "Take the payment provider down for a minute while orders keep coming, and show how they end",
		Long: `Route the calls to the payment provider through this process, place orders at a steady rate, take the
provider down for a minute, bring it up again, and wait until all orders are final. Print a timeline and then
orders, calls, money and stock. Fail if an order was lost or did not end CONFIRMED, if calls fell by less than 90 %
while the circuit was open, or if money or stock do not add up. It takes about three minutes. The original route is
restored at the end, even after an interruption.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			provider, err := intercept.Open(cmd.Context(), stack, intercept.Payments(stack))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, provider.Close()) }()
			return demo.Of(stack, customer).Outage(cmd.Context(), cmd.OutOrStdout(), provider, demo.Minute)
		},
	}
}

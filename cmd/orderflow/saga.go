package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/timeline"
)

func saga(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:     "saga",
		Short:   "Show what was done for an order, step by step",
		Example: "  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW",
	}, showSaga(a))
}

func showSaga(a *app) *cobra.Command {
	var fulfil, compensate string
	cmd := &cobra.Command{
		Use:   "show ORDER",
		Short: "Show the steps, retries and errors of an order's saga",
		Long: `Show what Step Functions did for an order: every try of every step of fulfil-order and of compensate-order in the order of time, with
its error, the wait before the next try, and how both ended. Compensations are marked with ↩.

The state machines are found in the stack file. For a deployment on AWS without one, name them; credentials and region come from
the usual places (AWS_PROFILE, AWS_REGION, …).`,
		Example: `  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW
  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW -o json
  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW --fulfil-order-arn arn:aws:states:… --compensate-order-arn arn:aws:states:…`,
		Args: orderID,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.deployment()
			if err != nil && (fulfil == "" || !errors.Is(err, errNoStack)) {
				return fmt.Errorf("%w: `make up` starts a stack here; else give --stack-file, or --fulfil-order-arn and --compensate-order-arn", err)
			}
			client, err := stepFunctions(cmd.Context(), d, fulfil == "")
			if err != nil {
				return err
			}
			t, err := timeline.Load(cmd.Context(), client, timeline.Machines{
				FulfilOrder:     first(fulfil, d.outputs["FulfilOrderArn"]),
				CompensateOrder: first(compensate, d.outputs["CompensateOrderArn"]),
			}, args[0])
			if errors.Is(err, timeline.ErrNone) {
				return fmt.Errorf("there is no saga of order %[1]s: it starts a moment after the order was placed; "+
					"if it does not, `orderflow order get %[1]s` tells whether there is such an order", args[0])
			}
			if err != nil {
				return err
			}
			if a.output == "table" {
				if err := t.Write(cmd.OutOrStdout()); err != nil {
					return err
				}
				return a.showOperators(cmd, args[0])
			}
			return a.print(cmd, t, func(io.Writer) {})
		},
	}
	cmd.Flags().StringVar(&fulfil, "fulfil-order-arn", "", "`ARN` of the state machine fulfil-order")
	cmd.Flags().StringVar(&compensate, "compensate-order-arn", "", "`ARN` of the state machine compensate-order")
	cmd.MarkFlagsRequiredTogether("fulfil-order-arn", "compensate-order-arn")
	return cmd
}

// stepFunctions returns a client for the deployment.
func stepFunctions(ctx context.Context, d deployment, ofStack bool) (*sfn.Client, error) {
	cfg, err := awsConfig(ctx, d, ofStack)
	return sfn.NewFromConfig(cfg), err
}

// showOperators adds to a saga what operators did to its order. Where that cannot be read, the saga alone is an answer.
func (a *app) showOperators(cmd *cobra.Command, orderID string) error {
	b, err := a.site(cmd.Context())
	if err != nil {
		return nil //nolint:nilerr // the machines were named one by one; there is no deployment to ask
	}
	actions, err := b.audit().Actions(cmd.Context(), orderID)
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "what operators did cannot be read:", err)
		return nil
	}
	if len(actions) == 0 {
		return nil
	}
	fmt.Fprintln(cmd.OutOrStdout())
	return a.print(cmd, actions, func(w io.Writer) { showActions(w, actions) })
}

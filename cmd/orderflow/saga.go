package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/repair"
	"orderflow/internal/ops/timeline"
)

func saga(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:     "saga",
		Short:   "Show the saga of an order, step by step",
		Example: "  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW",
	}, showSaga(a))
}

func showSaga(a *app) *cobra.Command {
	var fulfil, compensate string
	var wide bool
	cmd := &cobra.Command{
		Use:   "show ORDER",
		Short: "Show the steps, retries and errors of an order's saga",
		Long: `Show what Step Functions did for an order: every attempt of every step of fulfil-order and
compensate-order in order of time, with its error, the wait before the next attempt, until when a step
waits, and how both executions ended. Compensations are marked with ↩. Causes are shortened unless you give --wide.

The stack file names the state machines. For a deployment on AWS without a stack file, give their
ARNs; credentials and region come from the usual places (AWS_PROFILE, AWS_REGION, …).`,
		Example: `  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW
  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW -o json
  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW --fulfil-order-arn arn:aws:… --compensate-order-arn arn:aws:…`,
		Args: orderID,
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.deployment()
			if err != nil && (fulfil == "" || !errors.Is(err, errNoStack)) {
				return fmt.Errorf("%w: `make up` starts a stack here; else give --stack-file, "+
					"or --fulfil-order-arn and --compensate-order-arn", err)
			}
			client, err := stepFunctions(cmd.Context(), d, fulfil == "")
			if err != nil {
				return err
			}
			t, err := timeline.Load(cmd.Context(), client, timeline.Machines{
				FulfilOrder:     cmp.Or(fulfil, d.outputs["FulfilOrderArn"]),
				CompensateOrder: cmp.Or(compensate, d.outputs["CompensateOrderArn"]),
			}, args[0])
			if errors.Is(err, timeline.ErrNone) {
				return a.whyNoSaga(cmd.Context(), args[0])
			}
			if err != nil {
				return err
			}
			if a.output == "table" {
				write := t.Write
				if wide {
					write = t.WriteWide
				}
				if err := write(cmd.OutOrStdout()); err != nil {
					return err
				}
				return a.showOperators(cmd, args[0])
			}
			return a.print(cmd, t, func(io.Writer) {})
		},
	}
	cmd.Flags().StringVar(&fulfil, "fulfil-order-arn", "", "`ARN` of the state machine fulfil-order")
	cmd.Flags().StringVar(&compensate, "compensate-order-arn", "", "`ARN` of the state machine compensate-order")
	cmd.Flags().BoolVar(&wide, "wide", false, "do not shorten causes")
	cmd.MarkFlagsRequiredTogether("fulfil-order-arn", "compensate-order-arn")
	return cmd
}

// whyNoSaga returns an error that says why an order has no saga, as far as the API and the event
// sources show it.
func (a *app) whyNoSaga(ctx context.Context, orderID string) error {
	api, err := a.api(operator)
	if err != nil {
		return fmt.Errorf("order %s has no saga: %s", orderID, repair.Soon)
	}
	o, err := api.GetOrder(ctx, orderID)
	var problem *client.Problem
	switch {
	case errors.As(err, &problem) && problem.Status == http.StatusNotFound:
		return fmt.Errorf("there is no order %s", orderID)
	case err != nil:
		return fmt.Errorf("order %s has no saga: %s", orderID, repair.Soon)
	}
	return fmt.Errorf("order %s, placed at %s and %s, has no saga: %s", orderID, o.CreatedAt.Format(time.RFC3339),
		o.Status, a.noSaga(ctx, o))
}

// noSaga says why an existing order has no saga, as far as that can be seen.
func (a *app) noSaga(ctx context.Context, o client.Order) string {
	if o.Final() {
		return "no execution of it is kept: Step Functions keeps them for 90 days; or a process executed it, " +
			"or a sweep flagged the order before it began"
	}
	s, err := a.site(ctx)
	if err != nil {
		return repair.Soon
	}
	why, err := s.sources().Why(ctx)
	if err != nil {
		return repair.Soon
	}
	return why
}

// stepFunctions returns a client for the deployment.
func stepFunctions(ctx context.Context, d deployment, ofStack bool) (*sfn.Client, error) {
	cfg, err := awsConfig(ctx, d, ofStack)
	return sfn.NewFromConfig(cfg), err
}

// showOperators shows what operators did to an order. If that cannot be read, the command still
// succeeds, since the saga is shown.
func (a *app) showOperators(cmd *cobra.Command, orderID string) error {
	s, err := a.site(cmd.Context())
	if err != nil {
		return nil //nolint:nilerr // the state machines were given by flags; there is no audit log to read
	}
	actions, err := s.audit().Actions(cmd.Context(), orderID)
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "cannot read the audit log:", err)
		return nil
	}
	if len(actions) == 0 {
		return nil
	}
	fmt.Fprintln(cmd.OutOrStdout())
	return a.print(cmd, actions, func(w io.Writer) { showActions(w, actions) })
}

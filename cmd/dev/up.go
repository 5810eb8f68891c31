package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
)

// afterUp is what `up` does once the stack is up, in this order.
var afterUp = []struct {
	Name string
	Demo bool // skipped by --no-demo
	Run  func(context.Context, *devstack.Stack) error
}{
	{Name: "check that every service is ready", Run: func(ctx context.Context, s *devstack.Stack) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return demo.Of(s, customer).Ready(ctx)
	}},
	{Name: "put products up for sale", Run: func(ctx context.Context, s *devstack.Stack) error {
		return demo.Of(s, customer).Stock(ctx)
	}},
	{Name: "place an order", Demo: true, Run: func(ctx context.Context, s *devstack.Stack) error {
		return demo.Of(s, customer).One(ctx, os.Stderr)
	}},
	{Name: "write " + filled, Demo: true, Run: writeCollection},
}

// customer places the demo's orders.
const customer = "alice"

func showDemo() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Place six orders, five of them in trouble, and show how each ends",
		Long: `Place six orders at once: one succeeds; the others meet a declined card, missing stock, a carrier
that refuses, a payment provider that times out after charging, and a flaky provider. Print the final order, money
(from the provider's own ledger) and stock, and each saga's steps. Fail if an order did not end as expected.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			return demo.Of(stack, customer).Six(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

func up() *cobra.Command {
	var opts devstack.Options
	var noDemo bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Build, start and deploy the stack, or bring a running one up to date",
		Long: `Install missing tools, build every function, start the emulator, deploy template.yaml and the sandbox
stack, seed products and stock, and place a demo order. Finished steps are skipped, and data is kept. Addresses of
the stack are in .local/stack.json.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			begin := began()
			opts.Report = report()
			opts.Report.Printf("Bringing orderflow up\n")
			stack, err := devstack.Start(cmd.Context(), opts)
			if err != nil {
				return err
			}
			for _, step := range afterUp {
				if step.Demo && noDemo {
					continue
				}
				run := func() error { return step.Run(cmd.Context(), stack) }
				if err := opts.Report.Do(step.Name, run); err != nil {
					return fmt.Errorf("%s: %w", step.Name, err)
				}
			}
			opts.Report.Printf("Up in %s\n\n", devstack.Seconds(time.Since(begin)))
			fmt.Printf(`API      %s
sandbox  %s
AWS      %s (%s, region %s, keys %s/%s)

  make demo                      six orders and how each ends
  make -s token USER=alice       a bearer token for the API
  make logs FN=place-order       what a function logs
  go run ./cmd/dev http          every operation, to send from an editor (`+filled+`)
  make down                      stop, and remove everything
`, stack.Outputs["ApiUrl"], stack.Outputs["SandboxUrl"], stack.Emulator.URL, stack.Emulator.Target,
				devstack.Region, devstack.AccessKey, devstack.SecretKey)
			return nil
		},
	}
	cmd.Flags().BoolVar(&noDemo, "no-demo", false, "place no demo order")
	cmd.Flags().StringVar((*string)(&opts.Target), "target", "",
		"`emulator`: ministack (default) or localstack, where functions verify tokens; kept until `down`")
	cmd.Flags().StringVar(&opts.Discovery, "discovery", "",
		"`registry` of addresses: parameters (default) or cloud-map")
	cmd.Flags().BoolVar(&opts.NoAuthorizer, "no-authorizer", false,
		"deploy the API without an authorizer: functions verify tokens; kept until `down`")
	cmd.Flags().IntVar(&opts.Port, "port", 0,
		"`port` of the emulator (default: its previous one, or any free port)")
	return cmd
}

// began returns when make was called, or now without make.
func began() time.Time {
	if unix, err := strconv.ParseInt(os.Getenv("ORDERFLOW_BEGAN"), 10, 64); err == nil {
		return time.Unix(unix, 0)
	}
	return time.Now()
}

func down() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop everything that `up` started, and remove .local/",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			stopped := false
			err := report().Do("stop the stack", func() (err error) {
				stopped, err = devstack.Down("")
				return err
			})
			if err == nil && !stopped {
				report().Printf("  nothing was running\n")
			}
			return err
		},
	}
}

func status() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the stack is running, and where",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			fmt.Printf("running at %s (%s, process %d)\nAPI      %s\nsandbox  %s\n",
				stack.Emulator.URL, stack.Emulator.Target, stack.Emulator.Process.PID, stack.Outputs["ApiUrl"],
				stack.Outputs["SandboxUrl"])
			return nil
		},
	}
}

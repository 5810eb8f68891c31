package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/collector"
	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/eventsource"
	"orderflow/internal/dev/httpfile"
	"orderflow/internal/dev/intercept"
)

// filled is the collection of requests, filled in with the values of the running stack.
const filled = ".local/orderflow.http"

// customer places the demo's orders.
const customer = "alice"

func stackCommands() []*cobra.Command {
	var follow bool
	return []*cobra.Command{up(), {
		Use:     "down",
		Short:   "Stop everything that `up` started, and remove .local/",
		Example: "  go run ./cmd/dev down",
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
	}, {
		Use:     "status",
		Short:   "Show whether the stack is running, and where",
		Example: "  go run ./cmd/dev status",
		RunE: onStack(func(_ context.Context, out io.Writer, s *devstack.Stack) error {
			fmt.Fprintf(out, "running at %s (%s, process %d)\nAPI      %s\ngRPC     %s\nsandbox  %s\n", s.Emulator.URL,
				s.Emulator.Target, s.Emulator.Process.PID, s.Outputs["ApiUrl"], s.GRPCTarget, s.Outputs["SandboxUrl"])
			return nil
		}),
	}, {
		Use:   "demo",
		Short: "Place six orders, five of them with a problem, and show how each ends",
		Long: `Place six orders at once: one succeeds; the others meet a declined card, missing stock, a carrier
that refuses, a payment provider that times out after charging, and a flaky provider. Print the final order, money
(from the provider's own ledger) and stock, and each saga's steps. Fail if an order did not end as expected.`,
		Example: "  go run ./cmd/dev demo",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) error {
			return demo.Of(s, customer).Six(ctx, out)
		}),
	}, {
		Use:   "demo-outage",
		Short: "Take the payment provider down for a minute while orders keep coming, and show how they end",
		Long: `Route the calls to the payment provider through this process, place orders at a steady rate, take the
provider down for a minute, bring it up again, and wait until all orders are final. Print a timeline and then
orders, calls, money and stock. Fail if an order was lost or did not end CONFIRMED, if calls fell by less than 90 %
while the circuit was open, or if money or stock do not add up. It takes about three minutes. The original route is
restored at the end, even after an interruption.`,
		Example: "  go run ./cmd/dev demo-outage",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) (err error) {
			provider, err := intercept.Open(ctx, s, intercept.Provider)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, provider.Close()) }() //nolint:contextcheck // after ctx, too
			return demo.Of(s, customer).Outage(ctx, out, provider, demo.Minute)
		}),
	}, {
		Use:   "drill",
		Short: "Cause four incidents, and find and fix each by its runbook, as an operator would",
		Long: `Switch a consumer off, open a circuit, park a message and have an order need attention, one after the
other. Each trouble is found with the commands of orderflow, whose time is shown, and cured as its runbook says. What
was changed is as before in the end, even after an interruption. Fail if a command does not show which order is stuck
and why, or if a trouble stays. It takes about two minutes. Nobody else should use the stack meanwhile.`,
		Example: "  go run ./cmd/dev drill",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) (err error) {
			program := s.Repo().Path(".build", "orderflow")
			if err := inherit(ctx, s.Repo(), "go", "build", "-o", program, "./cmd/orderflow"); err != nil {
				return err
			}
			provider, err := intercept.Open(ctx, s, intercept.Provider)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, provider.Close()) }() //nolint:contextcheck // after ctx, too
			return demo.Of(s, customer).Drill(ctx, out, provider, demo.OperatorOf(program, s.Dir()))
		}),
	}, {
		Use:   "demo-strangler",
		Short: "Move the old shop's clients to the services and half of them back, and show that no order is lost",
		Long: `Let customers read and order at the old shop's addresses while their routes go from the old shop to the
services: 0 %, shadow, 10 %, 50 %, 100 %, and back to 50 %, where the services' orders is down for a while. Print the
new side's share of each stage, fall-backs, and the differences that shadowing found. Fail if an order was lost, placed
twice or unreachable, if a customer was served by the wrong side, or if shadowing found anything but the two bugs of the
old shop. It takes about four minutes. The table of routes and the addresses are as before in the end, even after an
interruption.`,
		Example: "  go run ./cmd/dev demo-strangler",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) (err error) {
			orders, err := intercept.Open(ctx, s, intercept.Orders)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, orders.Close()) }() //nolint:contextcheck // after ctx, too
			return demo.Of(s, customer).Strangler(ctx, out, orders, demo.Weeks)
		}),
	}, {
		Use:   "demo-brokers",
		Short: "Kill brokers and a function under load, and show that reports, orders, ledger and stock agree",
		Long: `Let 200 orders come while Kafka is killed and comes back, the function that projects sales is killed,
the reports are rebuilt, RabbitMQ is killed and comes back, and records and messages come again, out of order
or broken. Print the reports meanwhile. Fail if in the end reports, orders and the payment provider's ledger differ,
if stock is not the warehouse's own count, or if anything was lost or counted twice. It needs a stack of
` + "`up --brokers`" + ` and takes about four minutes.`,
		Example: "  go run ./cmd/dev demo-brokers",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) error {
			if !brokers.Exist(s.Dir()) {
				return errors.New("this stack has no brokers: `make up BROKERS=yes`")
			}
			b, err := brokers.Up(ctx, report(), s)
			if err != nil {
				return err
			}
			return demo.Of(s, customer).Brokers(ctx, out, b, demo.TwoHundred)
		}),
	}, {
		Use:   "demo-split",
		Short: "Move events and sagas to one process and back under load, and show that no order is lost",
		Long: `Let orders come while the stage moves, with the same tables, from functions to the core as one process
and back, as docs/one-process.md describes. The process is ended while sagas run, which functions resume. Print a
timeline and then orders, money, shipments, mails and stock. Fail if an order was lost, doubled or stuck or did not
end as it must, or if what belongs to it does not add up. It takes four to five minutes. Functions handle events in the
end, even after an interruption.`,
		Example: "  go run ./cmd/dev demo-split",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) error {
			return demo.Of(s, customer).Split(ctx, out, demo.ThereAndBack)
		}),
	}, flags(&cobra.Command{
		Use:     "logs FUNCTION",
		Short:   "Print what a function has logged",
		Example: "  go run ./cmd/dev logs place-order --follow",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) error {
				return s.Logs(ctx, out, args[0], follow)
			})(cmd, args)
		},
	}, func(cmd *cobra.Command) {
		cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing new lines")
	}), {
		Use:   "http",
		Short: "Write docs/orderflow.http with the values of the running stack to " + filled,
		Long: `Fill docs/orderflow.http, a request for every operation, with the address, tokens and an order of the
running stack, and write it to ` + filled + `. Editors can send its requests.`,
		Example: "  go run ./cmd/dev http",
		RunE: onStack(func(ctx context.Context, out io.Writer, s *devstack.Stack) error {
			err := writeCollection(ctx, s)
			if err == nil {
				fmt.Fprintln(out, filled)
			}
			return err
		}),
	}, {
		Use:   "exec -- COMMAND [ARGUMENT...]",
		Short: "Run a command with a bare emulator of its own",
		Long: `Start an empty emulator on a free port, run the command, stop the emulator, and exit with the
command's exit code. The command finds the emulator's URL in ORDERFLOW_TEST_ENDPOINT; AWS_ENDPOINT_URL, AWS_REGION
and the keys are set to match.`,
		Example: "  go run ./cmd/dev exec -- go test ./...",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
				return inEmulator(ctx, repo, args)
			})(cmd, args)
		},
	}}
}

// collect is the command of the stack's process that keeps its spans.
func collect() *cobra.Command {
	var listen, file, name string
	return flags(&cobra.Command{
		Use:     "collector",
		Short:   "Keep the spans of a local stack; `up` starts this",
		Example: "  go run ./cmd/dev collector --listen 127.0.0.1:9411 --file traces.jsonl --name mine",
		Args:    cobra.NoArgs,
		Hidden:  true,
		RunE:    func(*cobra.Command, []string) error { return collector.Serve(listen, file, name) },
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "`address` to listen on")
		cmd.Flags().StringVar(&file, "file", "", "`file` that keeps the spans")
		cmd.Flags().StringVar(&name, "name", "", "`name` that GET /health returns")
	})
}

// pollEventSources is the command of the stack's process that polls brokers for functions.
func pollEventSources() *cobra.Command {
	var p eventsource.Process
	var listen, name string
	return flags(&cobra.Command{
		Use:     "event-sources",
		Short:   "Poll Kafka and RabbitMQ for a local stack's functions; `up` starts this",
		Example: "  go run ./cmd/dev event-sources --endpoint http://127.0.0.1:4566 --stacks orderflow-reporting",
		Args:    cobra.NoArgs,
		Hidden:  true,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.Serve(cmd.Context(), listen, name) },
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.StringVar(&listen, "listen", "", "`address` to listen on (default: any free port)")
		f.StringVar(&name, "name", "", "`name` that GET /health returns")
		f.StringVar(&p.Endpoint, "endpoint", "", "`URL` of the emulator")
		f.StringSliceVar(&p.Stacks, "stacks", nil, "`names` of the CloudFormation stacks with the mappings")
		f.StringVar(&p.RabbitMQ, "rabbitmq", "", "`URL` of the broker that stands for Amazon MQ")
		f.StringVar(&p.CAFile, "rabbitmq-ca", "", "`file` with its certificate authority (default: the system's)")
		f.StringVar(&p.MSK, "msk", "", "`address` of the broker that stands for Amazon MSK")
	})
}

// afterUp is what `up` does once the stack is up, in this order.
var afterUp = []struct {
	name string
	demo bool // skipped by --no-demo
	run  func(context.Context, *devstack.Stack) error
}{
	{"check that every service is ready", false, func(ctx context.Context, s *devstack.Stack) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		return demo.Of(s, customer).Ready(ctx)
	}},
	{"put products up for sale", false, func(ctx context.Context, s *devstack.Stack) error {
		return demo.Of(s, customer).Stock(ctx)
	}},
	{"place an order", true, func(ctx context.Context, s *devstack.Stack) error {
		return demo.Of(s, customer).One(ctx, os.Stderr)
	}},
	{"write " + filled, true, writeCollection},
}

func up() *cobra.Command {
	var opts devstack.Options
	var noDemo, withBrokers bool
	return flags(&cobra.Command{
		Use:   "up",
		Short: "Build, start and deploy the stack, or bring a running one up to date",
		Long: `Install missing tools, build every function, start the emulator, deploy template.yaml and the sandbox
stack, start the native RPC process, seed products and stock, and place a demo order. Finished steps are skipped, and
data is kept. Addresses of the stack are in .local/stack.json. With --brokers, also start Kafka (needs Java and Maven)
and RabbitMQ (needs Debian or Ubuntu), and deploy the services that need them; a stack keeps them until ` + "`down`.",
		Example: "  go run ./cmd/dev up --no-demo --port 4566\n  go run ./cmd/dev up --brokers",
		RunE: func(cmd *cobra.Command, _ []string) error {
			begin := time.Now()
			if unix, err := strconv.ParseInt(os.Getenv("ORDERFLOW_BEGAN"), 10, 64); err == nil {
				begin = time.Unix(unix, 0) // when make was called
			}
			opts.Report = report()
			opts.Report.Printf("Bringing orderflow up\n")
			stack, err := devstack.Start(cmd.Context(), opts)
			if err != nil {
				return err
			}
			if withBrokers || brokers.Exist(stack.Dir()) {
				if _, err := brokers.Up(cmd.Context(), opts.Report, stack); err != nil {
					return err
				}
			}
			for _, step := range afterUp {
				if step.demo && noDemo {
					continue
				}
				run := func() error { return step.run(cmd.Context(), stack) }
				if err := opts.Report.Do(step.name, run); err != nil {
					return fmt.Errorf("%s: %w", step.name, err)
				}
			}
			opts.Report.Printf("Up in %s\n\n", devstack.Seconds(time.Since(begin)))
			fmt.Printf(`API      %s
gRPC     %s (clear text)
sandbox  %s
AWS      %s (%s, region %s, keys %s/%s)
  make demo                      six orders and how each ends
  make -s token USER=alice       a bearer token for the API
  make logs FN=place-order       what a function logs
  go run ./cmd/dev http          every operation, to send from an editor (`+filled+`)
  make down                      stop, and remove everything
`, stack.Outputs["ApiUrl"], stack.GRPCTarget, stack.Outputs["SandboxUrl"], stack.Emulator.URL, stack.Emulator.Target,
				devstack.Region, devstack.AccessKey, devstack.SecretKey)
			return nil
		},
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.BoolVar(&noDemo, "no-demo", false, "place no demo order")
		f.BoolVar(&withBrokers, "brokers", false,
			"run Kafka and RabbitMQ, and the services that need them; kept until down")
		f.StringVar((*string)(&opts.Target), "target", "",
			"`emulator`: ministack (default) or localstack, where functions verify tokens; kept until `down`")
		f.StringVar(&opts.Discovery, "discovery", "", "`registry` of addresses: parameters (default) or cloud-map")
		f.BoolVar(&opts.NoAuthorizer, "no-authorizer", false,
			"deploy the API without an authorizer: functions verify tokens; kept until `down`")
		f.IntVar(&opts.Port, "port", 0, "`port` of the emulator (default: its previous one, or any free port)")
	})
}

// writeCollection also fills docs/reporting.http, if the stack has reports.
func writeCollection(ctx context.Context, stack *devstack.Stack) error {
	shop := demo.Of(stack, customer)
	values, err := shop.Collection(ctx, stack.Outputs["ApiUrl"])
	if err == nil {
		err = fill(filepath.Base(filled), values)
	}
	reports, has := stack.Outputs["ReportingApiUrl"]
	if err != nil || !has {
		return err
	}
	if values, err = shop.ReportsCollection(ctx, reports); err != nil {
		return err
	}
	return fill("reporting.http", values)
}

// fill writes a collection of docs to .local with values for its variables.
func fill(collection string, values map[string]string) error {
	repo, err := devstack.FindRepo()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(repo.Path("docs", collection))
	if err != nil {
		return err
	}
	out, err := httpfile.Fill(string(text), values)
	if err != nil {
		return fmt.Errorf("docs/%s: %w", collection, err)
	}
	// It holds tokens: recreate it, so that the mode applies to an existing file, too.
	if err := os.Remove(repo.Path(".local", collection)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.WriteFile(repo.Path(".local", collection), []byte(out), 0o600)
}

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/secrets"
)

// Limits of latency, as ratios to functions that only answer.
const (
	MaxAccept = 1.2
	MaxStep   = 1.3
)

// A saga has two children of three steps, without the wait for the carrier.
const (
	children = 2
	steps    = 3 * children
)

// bareFunction only answers.
const bareFunction = "check-liveness"

// Latency is what one run on one emulator measured: medians, of ratios within a round.
type Latency struct {
	Orders         int
	Bare, Accept   time.Duration // of a request
	BareSaga, Saga time.Duration // of as many steps
	BareShape      time.Duration // of as many steps in as many children
	AcceptRatio    float64
	StepRatio      float64
	ShapeRatio     float64 // to BareShape
}

type round struct{ bare, accept, bareSaga, bareShape, saga time.Duration }

// MeasureLatency places orders, one at a time. Each round also sends a request that its function
// refuses without a call, behind the same API and authorizer. It also runs two state machines with
// as many steps, whose function only answers: a plain one, and one with children like the saga's,
// which shows their share of the difference. The third parties are in this process, since their
// time is not ours. An order or an execution that fails or hangs is an error.
func MeasureLatency(
	ctx context.Context, s *devstack.Stack, orders int, report *devstack.Reporter,
) (l Latency, err error) {
	api := s.Outputs["ApiUrl"]
	c := clock.System{}
	secret := secrets.Open(s.Config(), "/orderflow/local/carrier-webhook", c)
	later := func(do func() error) { go func() { _ = do() }() } // an order whose callback fails is not confirmed
	p := openParties(ctx, c, ids.Random(c), registry.Fixed{"shipping": api}, secret, later,
		func(h http.Handler) http.Handler { return h })
	defer p.Close()
	callers := []string{"authorize-payment", "capture-payment", "arrange-shipment"}
	point := func(ctx context.Context, at string, address func(name string) string) error {
		return report.Do("use the third parties of "+at, func() error {
			for name := range p.hosts {
				if err := s.SetAddress(ctx, name, address(name)); err != nil {
					return err
				}
			}
			return s.RestartProcesses(ctx, callers...)
		})
	}
	// Also if the first one fails halfway.
	defer func() {
		restored := point(context.WithoutCancel(ctx), "the sandbox",
			func(string) string { return s.Outputs["SandboxUrl"] })
		err = errors.Join(err, restored)
	}()
	if err := point(ctx, "this process", func(name string) string { return p.hosts[name].URL }); err != nil {
		return l, err
	}
	m := meter{stack: s, shop: demo.Of(s, "bench"), client: sfn.NewFromConfig(s.Config())}
	defer func() { err = errors.Join(err, m.deleteMachines(context.WithoutCancel(ctx))) }()
	if err := report.Do("create products and state machines", func() error {
		return errors.Join(m.shop.Stock(ctx), m.createMachines(ctx))
	}); err != nil {
		return l, err
	}
	var all []round
	err = report.Do("place orders one at a time", func() (err error) {
		all, err = repeat(ctx, orders, report, m.round)
		return err
	})
	return summary(all), err
}

func summary(all []round) Latency {
	return Latency{
		Orders:      len(all),
		Bare:        median(all, func(r round) time.Duration { return r.bare }),
		Accept:      median(all, func(r round) time.Duration { return r.accept }),
		BareSaga:    median(all, func(r round) time.Duration { return r.bareSaga }),
		BareShape:   median(all, func(r round) time.Duration { return r.bareShape }),
		Saga:        median(all, func(r round) time.Duration { return r.saga }),
		AcceptRatio: median(all, func(r round) float64 { return float64(r.accept) / float64(r.bare) }),
		StepRatio:   median(all, func(r round) float64 { return float64(r.saga) / float64(r.bareSaga) }),
		ShapeRatio:  median(all, func(r round) float64 { return float64(r.saga) / float64(r.bareShape) }),
	}
}

// Rounds take some 4 s each.
const (
	warmUps   = 2 // rounds that start processes, and do not count
	minRounds = 3
	budget    = 3 * time.Minute // no round starts later, except the first three that count
	maxRound  = time.Minute
	telling   = 10 * time.Second // the interval between reports of progress
)

// repeat measures rounds, and ends early when the budget is used up. A round that takes too long is
// an error.
func repeat(
	ctx context.Context, rounds int, report *devstack.Reporter, measure func(ctx context.Context, n int) (round, error),
) (all []round, err error) {
	began := time.Now()
	told := began
	for n := range warmUps + rounds {
		now := time.Now()
		if len(all) >= minRounds && now.Sub(began) > budget {
			break
		}
		if now.Sub(told) >= telling {
			told = now
			report.Printf("  … %d of %d orders, %s so far\n", n, warmUps+rounds, devstack.Seconds(now.Sub(began)))
		}
		ctx, cancel := context.WithTimeoutCause(ctx, maxRound, fmt.Errorf("an order took more than %s", maxRound))
		r, err := measure(ctx, n)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("order %d: %w", n+1, err)
		}
		if n >= warmUps {
			all = append(all, r)
		}
	}
	return all, nil
}

type meter struct {
	stack       *devstack.Stack
	shop        demo.Shop
	client      *sfn.Client
	bare, shape string   // ARNs of bare state machines
	created     []string // ARNs
}

// createMachines creates the bare state machines, with the role of fulfil-order.
func (m *meter) createMachines(ctx context.Context) error {
	saga, err := m.client.DescribeStateMachine(ctx,
		&sfn.DescribeStateMachineInput{StateMachineArn: aws.String(m.stack.Outputs["FulfilOrderArn"])})
	if err != nil {
		return err
	}
	create := func(name string, kind types.StateMachineType, states ...map[string]any) string {
		if err != nil {
			return ""
		}
		named := map[string]any{}
		for n, state := range states {
			if named[fmt.Sprint("Step", n)] = state; n < len(states)-1 {
				state["Next"] = fmt.Sprint("Step", n+1)
			} else {
				state["End"] = true
			}
		}
		text, _ := json.Marshal(map[string]any{"QueryLanguage": "JSONata", "StartAt": "Step0", "States": named})
		var out *sfn.CreateStateMachineOutput
		if out, err = m.client.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("bench-" + name),
			Type: kind, Definition: aws.String(string(text)), RoleArn: saga.RoleArn}); err != nil {
			return ""
		}
		m.created = append(m.created, *out.StateMachineArn)
		return *out.StateMachineArn
	}
	task := func(resource string, arguments map[string]any) map[string]any {
		return map[string]any{"Type": "Task", "Resource": "arn:aws:states:::" + resource, "Arguments": arguments,
			"Output": "{% $states.input %}", "TimeoutSeconds": maxRound / time.Second}
	}
	bareSteps := func(n int) (all []map[string]any) {
		for range n {
			all = append(all, task("lambda:invoke", map[string]any{"FunctionName": "orderflow-" + bareFunction,
				"Payload": map[string]string{"httpMethod": http.MethodGet, "path": "/health/live"}}))
		}
		return all
	}
	m.bare = create("bare", types.StateMachineTypeStandard, bareSteps(steps)...)
	child := create("child", types.StateMachineTypeExpress, append(bareSteps(steps/children),
		task("aws-sdk:sfn:sendTaskSuccess", map[string]any{"TaskToken": "{% $states.input.taskToken %}",
			"Output": "{}"}))...)
	var parent []map[string]any
	for range children {
		parent = append(parent, task("states:startExecution.waitForTaskToken", map[string]any{"StateMachineArn": child,
			"Input": map[string]string{"taskToken": "{% $states.context.Task.Token %}"}}))
	}
	m.shape = create("parent", types.StateMachineTypeStandard, parent...)
	return err
}

func (m *meter) deleteMachines(ctx context.Context) (err error) {
	for _, arn := range m.created {
		_, failed := m.client.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: aws.String(arn)})
		err = errors.Join(err, failed)
	}
	return err
}

func (m *meter) round(ctx context.Context, n int) (r round, err error) {
	customer := m.shop.CustomerNamed(fmt.Sprint("bench-", n))
	if _, err := customer.ListOrders(ctx, 1, ""); err != nil { // signs in
		return r, err
	}
	began := time.Now()
	var refused *client.Problem
	if _, err := customer.ListOrders(ctx, 1, "no-cursor"); !errors.As(err, &refused) ||
		refused.Status != http.StatusBadRequest {
		return r, fmt.Errorf("a list with a wrong cursor: %w", err)
	}
	r.bare, began = time.Since(began), time.Now()
	order, err := customer.PlaceOrder(ctx, fmt.Sprint("bench-", began.UnixNano()),
		client.OrderRequest{Items: []client.Item{{SKU: "MUG-BLUE", Quantity: 1}}, PaymentMethod: visa,
			ShippingAddress: client.Address{Name: "Ada Example", Line1: "1 Sample Street", City: "Berlin",
				PostalCode: berlin, Country: "DE"}})
	if err != nil {
		return r, err
	}
	r.accept = time.Since(began)
	arn := strings.Replace(m.stack.Outputs["FulfilOrderArn"], ":stateMachine:", ":execution:", 1) + ":" + order.OrderID
	saga, err := ended(ctx, m.client, arn)
	if err != nil {
		return r, err
	}
	if saga.state != "Settle" {
		return r, fmt.Errorf("order %s is not confirmed: its saga ended in %s", order.OrderID, saga.state)
	}
	r.saga = saga.took
	if r.bareSaga, err = m.run(ctx, m.bare); err != nil {
		return r, err
	}
	r.bareShape, err = m.run(ctx, m.shape)
	return r, err
}

// run runs a bare state machine.
func (m *meter) run(ctx context.Context, arn string) (time.Duration, error) {
	started, err := m.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn})
	if err != nil {
		return 0, err
	}
	s, err := ended(ctx, m.client, *started.ExecutionArn)
	return s.took, err
}

// Print prints the medians and ratios.
func (l Latency) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "ms\tbare ms\tratio\tlimit\t  ")
	fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t%.1f\t  accept an order\n", ms(l.Accept), ms(l.Bare), l.AcceptRatio, MaxAccept)
	fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t%.1f\t  a step of the saga\n", ms(l.Saga)/steps, ms(l.BareSaga)/steps,
		l.StepRatio, MaxStep)
	fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t\t  the same, to one in a child as the saga's\n", ms(l.Saga)/steps,
		ms(l.BareShape)/steps, l.ShapeRatio)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d orders, medians\n", l.Orders)
	return err
}

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

// Limits of latency, in latencies of functions that only answer.
const (
	MaxAccept = 1.2
	MaxStep   = 1.3
)

// steps is the number of steps of a saga, without the wait for the carrier.
const steps = 6

// bareFunction only answers.
const bareFunction = "check-liveness"

// Latency is what one run on one emulator measured: medians, of ratios within a round.
type Latency struct {
	Bare, Accept   time.Duration // of a request
	BareSaga, Saga time.Duration // of as many steps
	AcceptRatio    float64
	StepRatio      float64
}

type round struct{ bare, accept, bareSaga, saga time.Duration }

// MeasureLatency places orders, one at a time. Each round also sends a request that its function
// refuses without a call, behind the same API and authorizer, and runs a state machine of as many
// steps with a function that only answers. The third parties are in this process, since their time
// is not ours.
func MeasureLatency(ctx context.Context, s *devstack.Stack, rounds int) (l Latency, err error) {
	api := s.Outputs["ApiUrl"]
	c := clock.System{}
	secret := secrets.Open(s.Config(), "/orderflow/local/carrier-webhook", c)
	later := func(do func() error) { go func() { _ = do() }() } // an order whose callback fails is not confirmed
	p := openParties(ctx, c, ids.Random(c), registry.Fixed{"shipping": api}, secret, later,
		func(h http.Handler) http.Handler { return h })
	defer p.Close()
	callers := []string{"authorize-payment", "capture-payment", "arrange-shipment"}
	point := func(ctx context.Context, address func(name string) string) error {
		for name := range p.hosts {
			if err := s.SetAddress(ctx, name, address(name)); err != nil {
				return err
			}
		}
		return s.RestartProcesses(ctx, callers...)
	}
	if err := point(ctx, func(name string) string { return p.hosts[name].URL }); err != nil {
		return l, err
	}
	defer func() {
		restored := point(context.WithoutCancel(ctx), func(string) string { return s.Outputs["SandboxUrl"] })
		err = errors.Join(err, restored)
	}()
	shop := demo.Of(s, "bench")
	if err := shop.Stock(ctx); err != nil {
		return l, err
	}
	m := meter{s, shop, sfn.NewFromConfig(s.Config()), ""}
	if err := m.createMachine(ctx); err != nil {
		return l, err
	}
	defer func() {
		_, failed := m.client.DeleteStateMachine(context.WithoutCancel(ctx),
			&sfn.DeleteStateMachineInput{StateMachineArn: &m.bare})
		err = errors.Join(err, failed)
	}()
	var all []round
	for n := range rounds + 2 {
		r, err := m.round(ctx, n)
		if err != nil {
			return l, err
		}
		if n > 1 { // the first ones start processes
			all = append(all, r)
		}
	}
	return Latency{
		median(all, func(r round) time.Duration { return r.bare }),
		median(all, func(r round) time.Duration { return r.accept }),
		median(all, func(r round) time.Duration { return r.bareSaga }),
		median(all, func(r round) time.Duration { return r.saga }),
		median(all, func(r round) float64 { return float64(r.accept) / float64(r.bare) }),
		median(all, func(r round) float64 { return float64(r.saga) / float64(r.bareSaga) }),
	}, nil
}

type meter struct {
	stack  *devstack.Stack
	shop   demo.Shop
	client *sfn.Client
	bare   string // the bare state machine's ARN
}

func (m *meter) createMachine(ctx context.Context) error {
	states := map[string]any{}
	for n := range steps {
		state := map[string]any{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
			"Output": "{% $states.input %}",
			"Arguments": map[string]any{"FunctionName": "orderflow-" + bareFunction, "Payload": map[string]string{
				"httpMethod": http.MethodGet, "path": "/health/live"}}}
		if states[fmt.Sprint("Step", n)] = state; n < steps-1 {
			state["Next"] = fmt.Sprint("Step", n+1)
		} else {
			state["End"] = true
		}
	}
	text, err := json.Marshal(map[string]any{"QueryLanguage": "JSONata", "StartAt": "Step0", "States": states})
	if err != nil {
		return err
	}
	saga, err := m.client.DescribeStateMachine(ctx,
		&sfn.DescribeStateMachineInput{StateMachineArn: aws.String(m.stack.Outputs["FulfilOrderArn"])})
	if err != nil {
		return err
	}
	out, err := m.client.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("bench-bare"),
		Definition: aws.String(string(text)), RoleArn: saga.RoleArn})
	if err == nil {
		m.bare = *out.StateMachineArn
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
	if r.saga, err = m.ran(ctx, arn); err != nil {
		return r, err
	}
	started, err := m.client.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &m.bare})
	if err != nil {
		return r, err
	}
	r.bareSaga, err = m.ran(ctx, *started.ExecutionArn)
	return r, err
}

// ran waits for an execution's end and returns how long it ran, without its waits for callbacks.
func (m *meter) ran(ctx context.Context, arn string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		x, err := m.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		var unknown *types.ExecutionDoesNotExist
		switch {
		case errors.As(err, &unknown), err == nil && x.Status == types.ExecutionStatusRunning:
			if err := clock.Sleep(ctx, 100*time.Millisecond); err != nil {
				return 0, fmt.Errorf("%s has not ended: %w", arn, err)
			}
			continue
		case err != nil:
			return 0, err
		case x.Status != types.ExecutionStatusSucceeded:
			return 0, fmt.Errorf("%s ended %s", arn, x.Status)
		}
		break
	}
	history, err := m.client.GetExecutionHistory(ctx,
		&sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	if err != nil {
		return 0, err
	}
	events := history.Events
	if len(events) < 2 {
		return 0, fmt.Errorf("%s has no history", arn)
	}
	took := events[len(events)-1].Timestamp.Sub(*events[0].Timestamp)
	var waits time.Time
	for _, e := range events {
		switch {
		case e.StateEnteredEventDetails != nil && *e.StateEnteredEventDetails.Name == "AwaitShipment":
			waits = *e.Timestamp
		case e.StateExitedEventDetails != nil && *e.StateExitedEventDetails.Name == "AwaitShipment":
			took -= e.Timestamp.Sub(waits)
		}
	}
	return took, nil
}

// Print prints the medians and ratios.
func (l Latency) Print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "ms\tbare ms\tratio\tlimit\t  ")
	fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t%.1f\t  accept an order\n", ms(l.Accept), ms(l.Bare), l.AcceptRatio, MaxAccept)
	fmt.Fprintf(w, "%.0f\t%.0f\t%.2f\t%.1f\t  a step of the saga\n", ms(l.Saga)/steps, ms(l.BareSaga)/steps,
		l.StepRatio, MaxStep)
	return w.Flush()
}

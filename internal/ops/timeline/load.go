package timeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// Machines are the ARNs of the state machines whose executions are named after orders.
type Machines struct{ FulfilOrder, CompensateOrder string }

// ErrNone says that no execution was ever started for the order.
var ErrNone = errors.New("the order has no saga")

// Load reads an order's executions and leaves out those that were never started. It returns ErrNone
// if there are none.
func Load(ctx context.Context, client *sfn.Client, m Machines, orderID string) (Timeline, error) {
	var histories []History
	for _, machine := range []struct {
		name, arn string
		undoes    bool
	}{{"fulfil-order", m.FulfilOrder, false}, {"compensate-order", m.CompensateOrder, true}} {
		prefix, name, ok := strings.Cut(machine.arn, ":stateMachine:")
		if !ok {
			return Timeline{}, fmt.Errorf("%q is not the ARN of the state machine %s: deploy again",
				machine.arn, machine.name)
		}
		for n := 1; n <= maxAttempts; n++ {
			arn := prefix + ":execution:" + name + ":" + attempt(orderID, n)
			events, err := history(ctx, client, arn)
			if err != nil {
				return Timeline{}, fmt.Errorf("the history of %s: %w", machine.name, err)
			}
			if len(events) == 0 {
				break
			}
			h := History{Machine: attempt(machine.name, n), Undoes: machine.undoes, Events: events}
			if last := string(events[len(events)-1].Type); !strings.HasPrefix(last, "Execution") {
				h.Timeouts = timeouts(ctx, client, arn)
			}
			histories = append(histories, h)
			if !machine.undoes {
				break
			}
		}
	}
	if len(histories) == 0 {
		return Timeline{}, ErrNone
	}
	return New(orderID, histories...), nil
}

// maxAttempts bounds the search for attempts of a compensation. It is far above any real number.
const maxAttempts = 100

// attempt returns the name of the n-th attempt. Recovery and operators may retry a compensation.
func attempt(name string, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprint(name, "-", n)
}

// timeouts reads the timeouts of the states of a running execution's definition. Without them a
// timeline lacks deadlines only, so an error is none.
func timeouts(ctx context.Context, client *sfn.Client, arn string) map[string]time.Duration {
	out, err := client.DescribeStateMachineForExecution(ctx,
		&sfn.DescribeStateMachineForExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return nil
	}
	var machine struct {
		States map[string]struct {
			TimeoutSeconds json.RawMessage // a number, or an expression
		}
	}
	if json.Unmarshal([]byte(aws.ToString(out.Definition)), &machine) != nil {
		return nil
	}
	found := map[string]time.Duration{}
	for state, defined := range machine.States {
		var seconds int64
		if json.Unmarshal(defined.TimeoutSeconds, &seconds) == nil {
			found[state] = time.Duration(seconds) * time.Second
		}
	}
	return found
}

// history reads all events of an execution. It returns none if there is no such execution. Of its
// data, only what children report is used.
func history(ctx context.Context, client *sfn.Client, arn string) ([]types.HistoryEvent, error) {
	var events []types.HistoryEvent
	pages := sfn.NewGetExecutionHistoryPaginator(client, &sfn.GetExecutionHistoryInput{
		ExecutionArn: &arn, MaxResults: 1000, IncludeExecutionData: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var unknown *types.ExecutionDoesNotExist
		if errors.As(err, &unknown) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		events = append(events, page.Events...)
	}
	return events, nil
}

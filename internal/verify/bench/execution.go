package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/platform/clock"
)

// executions is Step Functions, as far as its executions are read.
type executions interface {
	DescribeExecution(context.Context, *sfn.DescribeExecutionInput, ...func(*sfn.Options)) (
		*sfn.DescribeExecutionOutput, error)
	GetExecutionHistory(context.Context, *sfn.GetExecutionHistoryInput, ...func(*sfn.Options)) (
		*sfn.GetExecutionHistoryOutput, error)
}

// A span is what the history of an execution says.
type span struct {
	state string        // the last one
	took  time.Duration // without the wait for the carrier
}

// ended waits for an execution's end. Its error says in which state the execution failed, and why,
// or in which state it was when ctx ended.
func ended(ctx context.Context, of executions, arn string) (s span, err error) {
	x, err := await(ctx, of, arn)
	if err != nil && ctx.Err() == nil {
		return s, err
	}
	reading, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	history, unread := of.GetExecutionHistory(reading,
		&sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	switch {
	case unread != nil:
		return s, errors.Join(err, fmt.Errorf("the history of %s: %w", arn, unread))
	case err != nil:
		return s, fmt.Errorf("%s has not ended, and is in state %s: %w", arn, spanOf(history.Events).state,
			context.Cause(ctx))
	}
	s = spanOf(history.Events)
	if x.Status != types.ExecutionStatusSucceeded {
		return s, fmt.Errorf("%s is %s in state %s: %s: %s", arn, x.Status, s.state, aws.ToString(x.Error),
			aws.ToString(x.Cause))
	}
	return s, nil
}

// await returns an execution that has ended.
func await(ctx context.Context, of executions, arn string) (*sfn.DescribeExecutionOutput, error) {
	for {
		x, err := of.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		var unknown *types.ExecutionDoesNotExist // yet
		if !errors.As(err, &unknown) && (err != nil || x.Status != types.ExecutionStatusRunning) {
			return x, err
		}
		if err := clock.Sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func spanOf(events []types.HistoryEvent) (s span) {
	if len(events) == 0 {
		return s
	}
	s.took = events[len(events)-1].Timestamp.Sub(*events[0].Timestamp)
	var waits time.Time
	for _, event := range events {
		if entered := event.StateEnteredEventDetails; entered != nil {
			s.state, waits = *entered.Name, *event.Timestamp
		}
		if exited := event.StateExitedEventDetails; exited != nil && *exited.Name == "AwaitShipment" {
			s.took -= event.Timestamp.Sub(waits)
		}
	}
	return s
}

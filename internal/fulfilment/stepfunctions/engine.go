// Package stepfunctions is fulfilment's engine in AWS Step Functions.
package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/tracing"
)

// Engine implements fulfilment.Engine.
type Engine struct {
	Client *sfn.Client
	// ARNs of the state machines that this function may start, or of aliases of theirs.
	ARNs map[fulfilment.Machine]string
}

// Start starts an execution. For a running one with the same input AWS answers success.
func (e Engine) Start(ctx context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	_, err := e.Client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(e.ARNs[machine]), Name: &name, Input: aws.String(string(input)), TraceHeader: header(ctx),
	})
	var exists *types.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return fulfilment.ErrExists.Because(err)
	}
	return err
}

// header puts the execution itself into the trace, as far as X-Ray draws it.
func header(ctx context.Context) *string {
	if h := tracing.XRay(ctx); h != "" {
		return &h
	}
	return nil
}

// Input reads an execution's input.
func (e Engine) Input(ctx context.Context, machine fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := e.Execution(ctx, machine, name)
	return x.Input, err
}

// Execution reads an execution. One that waits to be redriven counts as running.
func (e Engine) Execution(ctx context.Context, machine fulfilment.Machine, name string) (fulfilment.Execution, error) {
	arn := execution(e.ARNs[machine], name)
	out, err := e.Client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var none *types.ExecutionDoesNotExist
	if errors.As(err, &none) {
		return fulfilment.Execution{}, fulfilment.ErrNoExecution.Because(err)
	}
	if err != nil {
		return fulfilment.Execution{}, err
	}
	x := fulfilment.Execution{Status: fulfilment.Status(out.Status), Error: aws.ToString(out.Error), Input: json.RawMessage(aws.ToString(out.Input))}
	if out.Status == types.ExecutionStatusPendingRedrive {
		x.Status = fulfilment.Running
	}
	return x, nil
}

// execution is the ARN of an execution. That of the state machine may be an alias's, which executions do not have in theirs.
func execution(machine, name string) string {
	parts := strings.Split(strings.Replace(machine, ":stateMachine:", ":execution:", 1), ":")
	return strings.Join(append(parts[:min(len(parts), 7)], name), ":")
}

// Succeed lets a waiting task go on.
func (e Engine) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	_, err := e.Client.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(string(output))})
	return stale(err)
}

// Fail ends a waiting task.
func (e Engine) Fail(ctx context.Context, token, errorName, cause string) error {
	_, err := e.Client.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: &token, Error: &errorName, Cause: &cause})
	return stale(err)
}

func stale(err error) error {
	var gone *types.TaskDoesNotExist
	var over *types.TaskTimedOut
	var wrong *types.InvalidToken
	if errors.As(err, &gone) || errors.As(err, &over) || errors.As(err, &wrong) {
		return fulfilment.ErrStaleToken.Because(err)
	}
	return err
}

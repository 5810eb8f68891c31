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
	// ARNs are of the state machines that this function may start, or of their aliases.
	ARNs map[fulfilment.Machine]string
}

// Start starts an execution. It succeeds, too, if the execution is running with the same input.
func (e Engine) Start(ctx context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	_, err := e.Client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(e.ARNs[machine]), Name: &name, Input: aws.String(string(input)),
		TraceHeader: traceHeader(ctx),
	})
	var exists *types.ExecutionAlreadyExists
	if errors.As(err, &exists) {
		return fulfilment.ErrExists.Because(err)
	}
	return err
}

// traceHeader returns the header with which X-Ray shows the execution in the trace.
func traceHeader(ctx context.Context) *string {
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
	arn := executionARN(e.ARNs[machine], name)
	out, err := e.Client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	var none *types.ExecutionDoesNotExist
	if errors.As(err, &none) {
		return fulfilment.Execution{}, fulfilment.ErrNoExecution.Because(err)
	}
	if err != nil {
		return fulfilment.Execution{}, err
	}
	x := fulfilment.Execution{
		Status: fulfilment.Status(out.Status), Error: aws.ToString(out.Error),
		Input: json.RawMessage(aws.ToString(out.Input)),
	}
	if out.Status == types.ExecutionStatusPendingRedrive {
		x.Status = fulfilment.Running
	}
	return x, nil
}

// executionARN returns an execution's ARN. The machine's ARN may have an alias, the execution's has
// none.
func executionARN(machine, name string) string {
	parts := strings.Split(strings.Replace(machine, ":stateMachine:", ":execution:", 1), ":")
	return strings.Join(append(parts[:min(len(parts), 7)], name), ":")
}

// Succeed ends a waiting task.
func (e Engine) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	in := &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String(string(output))}
	_, err := e.Client.SendTaskSuccess(ctx, in)
	return orStaleToken(err)
}

// Fail ends a waiting task.
func (e Engine) Fail(ctx context.Context, token, errorName, cause string) error {
	in := &sfn.SendTaskFailureInput{TaskToken: &token, Error: &errorName, Cause: &cause}
	_, err := e.Client.SendTaskFailure(ctx, in)
	return orStaleToken(err)
}

// orStaleToken returns ErrStaleToken if no task waits, any other error as it is.
func orStaleToken(err error) error {
	var gone *types.TaskDoesNotExist
	var over *types.TaskTimedOut
	var wrong *types.InvalidToken
	if errors.As(err, &gone) || errors.As(err, &over) || errors.As(err, &wrong) {
		return fulfilment.ErrStaleToken.Because(err)
	}
	return err
}

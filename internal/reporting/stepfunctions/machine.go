// Package stepfunctions runs rebuilds in AWS Step Functions.
package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/reporting"
)

// Machine implements reporting.Machine.
type Machine struct {
	Client *sfn.Client
	ARN    string
}

// FromEnv returns the state machine REBUILD_REPORTS_ARN.
func FromEnv(env *function.Env) Machine {
	return Machine{Client: sfn.NewFromConfig(env.AWS()), ARN: env.Require("REBUILD_REPORTS_ARN")}
}

// input is the state machine's input.
type input struct {
	Generation  int64  `json:"generation"`
	TraceParent string `json:"traceparent"`
}

// Run starts an execution, once.
func (m Machine) Run(ctx context.Context, r reporting.Rebuild) error {
	in, err := json.Marshal(input{r.Generation, tracing.Parent(ctx)})
	if err != nil {
		return err
	}
	name, text := r.Execution(), string(in)
	_, err = m.Client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &m.ARN, Name: &name, Input: &text,
	})
	var exists *types.ExecutionAlreadyExists // with another trace, or it has ended
	if errors.As(err, &exists) {
		return nil
	}
	return err
}

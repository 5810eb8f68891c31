// Package handler builds fulfilment's functions, one constructor each.
package handler

import (
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/stepfunctions"
	"orderflow/internal/platform/function"
)

func service(env *function.Env, arns map[fulfilment.Machine]string) *fulfilment.Service {
	return fulfilment.New(stepfunctions.Engine{Client: sfn.NewFromConfig(env.AWS()), ARNs: arns})
}

// starting returns the use cases of a function that starts executions of one machine.
func starting(env *function.Env, machine fulfilment.Machine, arn string) *fulfilment.Service {
	return service(env, map[fulfilment.Machine]string{machine: arn})
}

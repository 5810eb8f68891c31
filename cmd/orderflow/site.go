package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/stepfunctions"
	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/jsonschema"
)

// site is a deployment as seen by an operator who may use AWS itself.
type site struct {
	cfg     aws.Config
	outputs map[string]string
	// stack is the deployment's name, which begins the name of every resource.
	stack string
}

const stackFileHelp = `The deployment is the one of the stack file. Without a local stack, make one with the outputs of yours:

  aws cloudformation describe-stacks --stack-name STACK --query 'Stacks[0].Outputs' | jq 'map({(.OutputKey): .OutputValue}) | add' > stack.json

and give it by --stack-file; credentials and region come from the usual places (AWS_PROFILE, AWS_REGION, …).`

// site finds the deployment.
func (a *app) site(ctx context.Context) (site, error) {
	d, err := a.deployment()
	if errors.Is(err, errNoStack) {
		err = fmt.Errorf("%w: `make up` starts a stack here; else give --stack-file", err)
	}
	if err != nil {
		return site{}, err
	}
	_, machine, _ := strings.Cut(d.outputs["FulfilOrderArn"], ":stateMachine:")
	stack, ok := strings.CutSuffix(machine, "-fulfil-order")
	if !ok {
		return site{}, fmt.Errorf("the stack file %s names no state machine as FulfilOrderArn", d.file)
	}
	cfg, err := awsConfig(ctx, d, true)
	return site{cfg: cfg, outputs: d.outputs, stack: stack}, err
}

func (b site) queues() repair.Queues {
	return repair.Queues{Client: sqs.NewFromConfig(b.cfg), Stack: b.stack}
}

func (b site) audit() repair.Audit {
	c := clock.System{}
	return repair.Audit{
		Client: cloudwatchlogs.NewFromConfig(b.cfg), Group: first(b.outputs["OperatorActionsLogGroup"], "/orderflow/"+b.stack+"/operator-actions"),
		Clock: c, IDs: ids.Random(c),
	}
}

func (b site) fulfilment() *fulfilment.Service {
	return fulfilment.New(stepfunctions.Engine{Client: sfn.NewFromConfig(b.cfg), ARNs: map[fulfilment.Machine]string{
		fulfilment.FulfilOrder: b.outputs["FulfilOrderArn"], fulfilment.CompensateOrder: b.outputs["CompensateOrderArn"],
	}})
}

// action is one of the caller's, for a reason.
func (b site) action(ctx context.Context, why, what string) (repair.Action, error) {
	if !jsonschema.OneLineText.Holds(why) {
		return repair.Action{}, usage("say why, in one line of text without a card number: --reason is written down with who you are")
	}
	caller, err := sts.NewFromConfig(b.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return repair.Action{}, fmt.Errorf("who are you? %w", err)
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return repair.Action{Who: aws.ToString(caller.Arn), User: name, Why: why, What: what}, nil
}

// awsConfig is the configuration of a deployment's clients: of its emulator if it has one, else of AWS.
func awsConfig(ctx context.Context, d deployment, ofStack bool) (aws.Config, error) {
	if endpoint := d.outputs["EndpointUrl"]; ofStack && endpoint != "" {
		return aws.Config{
			Region: first(d.outputs["Region"], "us-east-1"), BaseEndpoint: &endpoint,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), // an emulator takes any
		}, nil
	}
	var options []func(*config.LoadOptions) error
	if region := d.outputs["Region"]; ofStack && region != "" {
		options = append(options, config.WithRegion(region))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/stepfunctions"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/platform/outbox"
)

// site is a deployment, with the clients of an operator who has credentials for AWS.
type site struct {
	cfg     aws.Config
	outputs map[string]string
	// stack is the deployment's name, the prefix of every resource's name.
	stack string
}

const stackFileHelp = `The stack file names the deployment. A local stack has one. For any other, write its outputs to a
file:

  aws cloudformation describe-stacks --stack-name STACK --query 'Stacks[0].Outputs' |
    jq 'map({(.OutputKey): .OutputValue}) | add' > stack.json

and give it with --stack-file; credentials and region come from the usual places (AWS_PROFILE,
AWS_REGION, …).`

// withSite returns a RunE that calls run with the deployment of the stack file.
func (a *app) withSite(run func(*cobra.Command, []string, site) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := a.site(cmd.Context())
		if err != nil {
			return err
		}
		return run(cmd, args, s)
	}
}

// site reads the stack file and connects to the deployment that it names.
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
		return site{}, fmt.Errorf("FulfilOrderArn in the stack file %s is not the ARN of fulfil-order", d.file)
	}
	cfg, err := awsConfig(ctx, d, true)
	return site{cfg: cfg, outputs: d.outputs, stack: stack}, err
}

// inProcess reports whether the deployment is one process, which answers calls for what other
// deployments keep in tables.
func (s site) inProcess() bool { return s.outputs["StoresBy"] == "process" }

func (s site) process() repair.Process { return repair.Process{API: awsapi.Client{Config: s.cfg}} }

func (s site) queues() repair.Queues {
	return repair.Queues{Client: sqs.NewFromConfig(s.cfg), Stack: s.stack}
}

func (s site) sources() repair.Sources {
	return repair.Sources{API: awsapi.Client{Config: s.cfg}, Queues: s.queues(), EventsBy: s.outputs["EventsBy"],
		Clock: clock.System{}}
}

func (s site) outboxes() repair.Outboxes {
	table := func(service string) outbox.Watched { return ddb.Open(s.cfg, s.stack+"-"+service, clock.System{}) }
	return repair.Outboxes{Services: s.services(), Table: table, Clock: clock.System{}}
}

// services returns the services of the core that have a table, sorted.
func (s site) services() (names []string) {
	for name, table := range s.outputs {
		if strings.HasSuffix(name, "TableName") {
			names = append(names, strings.TrimPrefix(table, s.stack+"-"))
		}
	}
	slices.Sort(names)
	return names
}

func (s site) audit() repair.Audit {
	c := clock.System{}
	group := cmp.Or(s.outputs["OperatorActionsLogGroup"], "/orderflow/"+s.stack+"/operator-actions")
	return repair.Audit{Client: cloudwatchlogs.NewFromConfig(s.cfg), Group: group, Clock: c, IDs: ids.Random(c)}
}

func (s site) fulfilment() *fulfilment.Service {
	arns := map[fulfilment.Machine]string{
		fulfilment.FulfilOrder:     s.outputs["FulfilOrderArn"],
		fulfilment.CompensateOrder: s.outputs["CompensateOrderArn"],
	}
	return fulfilment.New(stepfunctions.Engine{Client: sfn.NewFromConfig(s.cfg), ARNs: arns})
}

// reasonFlag adds the flag --reason, which every action of an operator needs.
func reasonFlag(cmd *cobra.Command, why *string) {
	cmd.Flags().StringVar(why, "reason", "", "why; recorded in the audit log with your identity")
}

// action returns an action of the caller, without a subject.
func (s site) action(ctx context.Context, why, what string) (repair.Action, error) {
	if !jsonschema.OneLineText.Holds(why) {
		return repair.Action{}, usage("say why with --reason, in one line of text without a card number: " +
			"it is recorded in the audit log with your identity")
	}
	caller, err := sts.NewFromConfig(s.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return repair.Action{}, fmt.Errorf("cannot get your AWS identity: %w", err)
	}
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return repair.Action{Who: aws.ToString(caller.Arn), User: name, Why: why, What: what}, nil
}

// awsConfig configures AWS clients: for the deployment's emulator if it has one, otherwise for AWS.
func awsConfig(ctx context.Context, d deployment, ofStack bool) (aws.Config, error) {
	if endpoint := d.outputs["EndpointUrl"]; ofStack && endpoint != "" {
		return aws.Config{
			Region: cmp.Or(d.outputs["Region"], "us-east-1"), BaseEndpoint: &endpoint,
			// The emulator accepts any key, a process only its own.
			Credentials: credentials.NewStaticCredentialsProvider(cmp.Or(d.outputs["AccessKeyId"], "test"), "test", ""),
		}, nil
	}
	var options []func(*config.LoadOptions) error
	if region := d.outputs["Region"]; ofStack && region != "" {
		options = append(options, config.WithRegion(region))
	}
	return config.LoadDefaultConfig(ctx, options...)
}

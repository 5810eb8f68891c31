package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"testing"

	"orderflow/internal/ops/awsapi"
)

// noBrokers are parameters of stacks of their own, for brokers that do not exist.
var noBrokers = map[string][]string{
	"reporting": {
		"KafkaBrokers=127.0.0.1:1,127.0.0.1:2",
		"KafkaSecret=arn:aws:secretsmanager:us-east-1:000000000000:secret:kafka-AbCdEf",
	},
	"warehouse": {
		"RabbitMqUrl=amqps://127.0.0.1:1/orderflow", "RabbitMqBroker=arn:aws:mq:us-east-1:000000000000:broker:none:b-1",
		"RabbitMqSecret=arn:aws:secretsmanager:us-east-1:000000000000:secret:rabbitmq-AbCdEf",
		"ServiceUserSecret=arn:aws:secretsmanager:us-east-1:000000000000:secret:user-AbCdEf",
	},
}

// It does not run in parallel with tests that place orders, whose events such a stack would take.
func TestStacksOfTheirOwnLeaveTheCoreAsItIs(t *testing.T) {
	ctx := t.Context()
	before := coreState(ctx, t)
	unchanged := func(after string) {
		t.Helper()
		now := coreState(ctx, t)
		for what, is := range now {
			if was := before[what]; was != is {
				t.Errorf("%s changes %s of the core: from %q to %q", after, what, was, is)
			}
		}
		if len(now) != len(before) || len(now) < 300 {
			t.Errorf("%s: %d facts of the core, before %d", after, len(now), len(before))
		}
	}
	for _, service := range slices.Sorted(maps.Keys(noBrokers)) {
		name := "orderflow-" + service
		outputs, err := stack.DeployStack(ctx, nil, service, noBrokers[service]...)
		if err != nil {
			t.Fatal(err)
		}
		if len(outputs) == 0 || len(resources(ctx, t, name)) == 0 {
			t.Errorf("%s has outputs %v", name, outputs)
		}
		unchanged("deploying " + name)
		if _, err = stack.DeployStack(ctx, nil, service, append(noBrokers[service],
			"LogRetentionDays=7")...); err != nil {
			t.Fatal(err)
		}
		unchanged("updating " + name)
		if err := stack.DeleteStack(ctx, nil, service); err != nil {
			t.Fatal(err)
		}
		unchanged("deleting " + name)
	}
}

// coreState is all that CloudFormation and Lambda tell of the core's and the sandbox's stacks.
func coreState(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	facts := map[string]string{}
	for _, name := range []string{"orderflow", "orderflow-sandbox"} {
		var template struct {
			Body string `xml:"GetTemplateResult>TemplateBody"`
		}
		cloudFormation(ctx, t, "GetTemplate", name, &template)
		facts["template of "+name] = template.Body
		for id, r := range resources(ctx, t, name) {
			facts[name+"/"+id] = fmt.Sprint(r)
			if r.Type == "AWS::Lambda::Function" {
				var f struct{ LastModified, RevisionId, CodeSha256 string }
				path := "/2015-03-31/functions/" + r.ID + "/configuration"
				if err := emulator().Get(ctx, "lambda", path, &f); err != nil || f.LastModified == "" {
					t.Fatal(err, f)
				}
				facts["function "+r.ID] = fmt.Sprint(f)
			}
		}
	}
	return facts
}

type resource struct {
	Type   string `xml:"ResourceType"`
	ID     string `xml:"PhysicalResourceId"`
	Status string `xml:"ResourceStatus"`
	At     string `xml:"Timestamp"`
}

// resources are those of a stack, by their logical ids.
func resources(ctx context.Context, t *testing.T, stack string) map[string]resource {
	t.Helper()
	var answer struct {
		Resources []struct {
			LogicalResourceId string
			resource
		} `xml:"DescribeStackResourcesResult>StackResources>member"`
	}
	cloudFormation(ctx, t, "DescribeStackResources", stack, &answer)
	all := map[string]resource{}
	for _, r := range answer.Resources {
		all[r.LogicalResourceId] = r.resource
	}
	return all
}

func cloudFormation(ctx context.Context, t *testing.T, action, stack string, out any) {
	t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-15"}, "StackName": {stack}}
	if err := emulator().Query(ctx, "cloudformation", form, out); err != nil {
		t.Fatal(err)
	}
}

func emulator() awsapi.Client { return awsapi.Client{Config: stack.Config()} }

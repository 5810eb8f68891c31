package e2e_test

import (
	"maps"
	"slices"
	"testing"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/verify/resources"
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
	ctx, aws := t.Context(), awsapi.Client{Config: stack.Config()}
	before, err := resources.Core(ctx, aws)
	if err != nil {
		t.Fatal(err)
	}
	unchanged := func(after string) {
		t.Helper()
		now, err := resources.Core(ctx, aws)
		if changes := resources.Changes(before, now); err != nil || len(changes) > 0 {
			t.Errorf("%s changes the core: %v, %v", after, changes, err)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(noBrokers)) {
		name := "orderflow-" + service
		outputs, err := stack.DeployStack(ctx, nil, service, noBrokers[service]...)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := resources.Of(ctx, aws, name); err != nil || len(all) == 0 || len(outputs) == 0 {
			t.Errorf("%s has %d resources and outputs %v, %v", name, len(all), outputs, err)
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

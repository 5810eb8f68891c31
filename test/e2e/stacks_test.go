package e2e_test

import (
	"maps"
	"slices"
	"testing"

	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/concurrent"
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
	services := slices.Sorted(maps.Keys(noBrokers))
	each := func(does string, do func(service string) error) {
		t.Helper()
		err := concurrent.Do(len(services), len(services), func(i int) error { return do(services[i]) })
		if err != nil {
			t.Fatal(err)
		}
		now, err := resources.Core(ctx, aws)
		if changes := resources.Changes(before, now); err != nil || len(changes) > 0 {
			t.Errorf("%s %v changes the core: %v, %v", does, services, changes, err)
		}
	}
	each("deploying", func(service string) error {
		outputs, err := stack.DeployStack(ctx, nil, service, noBrokers[service]...)
		if err != nil {
			return err
		}
		name := "orderflow-" + service
		if all, err := resources.Of(ctx, aws, name); err != nil || len(all) == 0 || len(outputs) == 0 {
			t.Errorf("%s has %d resources and outputs %v, %v", name, len(all), outputs, err)
		}
		return nil
	})
	each("updating", func(service string) error {
		parameters := append(slices.Clone(noBrokers[service]), "LogRetentionDays=7")
		_, err := stack.DeployStack(ctx, nil, service, parameters...)
		return err
	})
	each("deleting", func(service string) error { return stack.DeleteStack(ctx, nil, service) })
}

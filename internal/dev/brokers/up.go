package brokers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/eventsource"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/platform/concurrent"
)

// mqBroker is the ARN by which the templates know RabbitMQ. Event sources find its only broker.
const mqBroker = "arn:aws:mq:" + devstack.Region + ":000000000000:broker:orderflow:b-local"

// serviceUser adjusts stock on behalf of the warehouse.
const serviceUser = "warehouse"

// Up starts the brokers of a running stack, deploys the services that need them, and starts the
// event sources, which the emulator lacks. It skips what is already done. All outputs of the
// brokers and of these services are then among the stack's.
func Up(ctx context.Context, rep *devstack.Reporter, stack *devstack.Stack) (*Brokers, error) {
	if stack.Emulator.Target == devstack.LocalStack {
		return nil, errors.New("brokers need MiniStack: they were never run with LocalStack")
	}
	b, err := Start(ctx, stack.Repo(), rep, stack.Dir(), stack.Emulator.Name)
	if err != nil {
		return nil, err
	}
	outputs := map[string]string{"KafkaBrokers": b.Kafka.Address(), "RabbitMqUrl": b.RabbitMQURL(),
		"BrokersCaFile": b.file("ca.pem")}
	err = rep.Do("keep the brokers' secrets", func() error { return b.keepSecrets(ctx, stack, outputs) })
	if err != nil {
		return nil, err
	}
	deployed, err := deploy(ctx, rep, stack, outputs)
	if err != nil {
		return nil, err
	}
	maps.Copy(outputs, deployed)
	err = rep.Do("start the event sources", func() error {
		sources, err := eventsource.Process{Endpoint: stack.Emulator.URL, RabbitMQ: b.RabbitMQURL(),
			CAFile: outputs["BrokersCaFile"], MSK: b.Kafka.Address(),
			Stacks: []string{"orderflow-reporting", "orderflow-warehouse", "orderflow-sandbox"},
		}.Start(ctx, stack.Repo(), stack.Dir())
		if err == nil {
			outputs["EventSourcesUrl"] = sources.URL
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return b, stack.Remember(outputs)
}

// RepeatSoon redelivers messages that could not be passed to a broker after 20 s instead of
// minutes, for a run that waits for them.
func RepeatSoon(ctx context.Context, stack *devstack.Stack) error {
	api := awsapi.Client{Config: stack.Config()}
	for _, function := range []string{"forward-events", "send-pick-job"} {
		var queue struct {
			URL string `json:"QueueUrl"`
		}
		in := map[string]any{"QueueName": "orderflow-" + function}
		if err := api.JSON(ctx, "sqs", "AmazonSQS.GetQueueUrl", in, &queue); err != nil {
			return err
		}
		in = map[string]any{"QueueUrl": queue.URL, "Attributes": map[string]string{"VisibilityTimeout": "20"}}
		if err := api.JSON(ctx, "sqs", "AmazonSQS.SetQueueAttributes", in, nil); err != nil {
			return err
		}
	}
	return nil
}

// parametersOf are the template parameters of the services' stacks, and those of the sandbox with
// its warehouse, in a stack with these outputs.
func parametersOf(outputs map[string]string) map[string]map[string]string {
	rabbitMQ := func(account string) map[string]string {
		return map[string]string{"RabbitMqUrl": outputs["RabbitMqUrl"], "RabbitMqBroker": mqBroker,
			"RabbitMqSecret": outputs[account], "RabbitMqCaSecret": outputs["BrokersCaSecretArn"]}
	}
	all := map[string]map[string]string{
		"reporting": {"KafkaBrokers": outputs["KafkaBrokers"], "KafkaSecret": outputs["KafkaSecretArn"],
			"KafkaCaSecret": outputs["BrokersCaSecretArn"]},
		"warehouse": rabbitMQ("RabbitMqSecretArn"),
		"sandbox":   rabbitMQ("RabbitMqWarehouseSecretArn"),
	}
	all["warehouse"]["ServiceUserSecret"] = outputs["ServiceUserSecretArn"]
	return all
}

// deploy deploys the services' stacks, and the sandbox's again with its warehouse. It returns their
// outputs.
func deploy(
	ctx context.Context, rep *devstack.Reporter, stack *devstack.Stack, outputs map[string]string,
) (map[string]string, error) {
	all := map[string]string{}
	var merging sync.Mutex
	var deploys []func() error
	for service, parameters := range parametersOf(outputs) {
		var values []string
		for _, name := range slices.Sorted(maps.Keys(parameters)) {
			values = append(values, name+"="+parameters[name])
		}
		deploys = append(deploys, func() error {
			deployed, err := stack.DeployStack(ctx, rep, service, values...)
			merging.Lock()
			defer merging.Unlock()
			maps.Copy(all, deployed)
			return err
		})
	}
	return all, concurrent.All(deploys...)
}

// keepSecrets puts the services' credentials into Secrets Manager, and the ARNs into outputs.
func (b *Brokers) keepSecrets(ctx context.Context, stack *devstack.Stack, outputs map[string]string) error {
	user, err := stack.Credentials(ctx, serviceUser, "operator")
	if err != nil {
		return err
	}
	api := awsapi.Client{Config: stack.Config()}
	for _, s := range []struct {
		output, name string
		value        any
	}{
		{"KafkaSecretArn", "orderflow-kafka", b.Reporting},
		{"RabbitMqSecretArn", "orderflow-rabbitmq", b.Orderflow},
		{"RabbitMqWarehouseSecretArn", "orderflow-rabbitmq-warehouse", b.Warehouse},
		{"BrokersCaSecretArn", "orderflow-brokers-ca", map[string]string{"certificate": b.CA}},
		{"ServiceUserSecretArn", "orderflow-warehouse-operator", user},
	} {
		if outputs[s.output], err = keepSecret(ctx, api, s.name, s.value); err != nil {
			return fmt.Errorf("keep the secret %s: %w", s.name, err)
		}
	}
	return nil
}

// keepSecret creates or updates a secret of JSON, and returns its ARN.
func keepSecret(ctx context.Context, api awsapi.Client, name string, value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	var answer struct{ ARN string }
	call := func(operation string, in map[string]string) error {
		return api.JSON(ctx, "secretsmanager", "secretsmanager."+operation, in, &answer)
	}
	err = call("CreateSecret", map[string]string{"Name": name, "SecretString": string(text)})
	if awsapi.Failed(err, "ResourceExistsException") {
		err = call("PutSecretValue", map[string]string{"SecretId": name, "SecretString": string(text)})
	}
	return answer.ARN, err
}

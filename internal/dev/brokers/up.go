package brokers

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/awsapi"
)

// The secrets by which functions and event sources sign in.
const (
	kafkaSecret     = "orderflow-kafka"
	rabbitMQSecret  = "orderflow-rabbitmq"
	warehouseSecret = "orderflow-rabbitmq-warehouse" // of the sandbox's warehouse
	authoritySecret = "orderflow-brokers-ca"
)

// Up starts the brokers of a running stack, or finds them running, and puts what others need to use
// them into its secrets and outputs.
func Up(ctx context.Context, rep *devstack.Reporter, stack *devstack.Stack) (*Brokers, error) {
	if stack.Emulator.Target == devstack.LocalStack {
		return nil, errors.New("brokers need MiniStack: LocalStack's free edition has no user pool for the warehouse")
	}
	b, err := Start(ctx, stack.Repo(), rep, stack.Dir(), stack.Emulator.Name)
	if err != nil {
		return nil, err
	}
	outputs := map[string]string{"KafkaBrokers": b.Kafka.Address(), "RabbitMqUrl": b.RabbitMQURL(),
		"BrokersCaFile": b.file("ca.pem")}
	api := awsapi.Client{Config: stack.Config()}
	for _, s := range []struct {
		output, name string
		value        any
	}{
		{"KafkaSecretArn", kafkaSecret, b.Reporting},
		{"RabbitMqSecretArn", rabbitMQSecret, b.Orderflow},
		{"RabbitMqWarehouseSecretArn", warehouseSecret, b.Warehouse},
		{"BrokersCaSecretArn", authoritySecret, map[string]string{"certificate": b.CA}},
	} {
		if outputs[s.output], err = keepSecret(ctx, api, s.name, s.value); err != nil {
			return nil, err
		}
	}
	return b, stack.Remember(outputs)
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

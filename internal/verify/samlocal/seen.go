package samlocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/ddb"
)

// look checks a function's effects. body is the body of its result.
func look(ctx context.Context, stack *devstack.Stack, w want, body map[string]any) error {
	return errors.Join(lookAtItem(ctx, stack, w, body), lookAtQueue(ctx, stack, w), lookAtExecution(ctx, stack, w),
		lookAtMail(ctx, stack, w))
}

func lookAtItem(ctx context.Context, stack *devstack.Stack, w want, body map[string]any) error {
	if w.Leaves.Item == nil {
		return nil
	}
	fill := func(key string) string {
		for name, value := range body {
			key = strings.ReplaceAll(key, "${"+name+"}", fmt.Sprint(value))
		}
		return key
	}
	pk, sk := fill(w.Leaves.Item.PK), fill(w.Leaves.Item.SK)
	out, err := dynamodb.NewFromConfig(stack.Config()).GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(table(stack, w.service)), Key: ddb.Key(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	if gone := len(out.Item) == 0; gone && w.Leaves.Item.Gone {
		return nil
	} else if w.Leaves.Item.Gone {
		return fmt.Errorf("the item %s %s is still there", pk, sk)
	} else if gone {
		return fmt.Errorf("the item %s %s is missing", pk, sk)
	}
	var got map[string]any
	if err := attributevalue.UnmarshalMap(out.Item, &got); err != nil {
		return err
	}
	if missed := differ(pk+" "+sk, w.Leaves.Item.Has, got); len(missed) > 0 {
		return errors.New(strings.Join(missed, "\n    "))
	}
	return nil
}

// table returns the name of a service's table.
func table(stack *devstack.Stack, service string) string {
	return stack.Outputs[casing.Camel(service)+"TableName"]
}

func lookAtQueue(ctx context.Context, stack *devstack.Stack, w want) error {
	if w.Leaves.Message == nil {
		return nil
	}
	client := sqs.NewFromConfig(stack.Config())
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(w.Leaves.Message.Queue)})
	if err != nil {
		return err
	}
	for range 10 { // at most ten messages per call
		out, err := client.ReceiveMessage(ctx,
			&sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			return err
		}
		for _, m := range out.Messages {
			if strings.Contains(aws.ToString(m.Body), w.Leaves.Message.Has) {
				return nil
			}
		}
	}
	return fmt.Errorf("no message in %s has %s", w.Leaves.Message.Queue, w.Leaves.Message.Has)
}

func lookAtExecution(ctx context.Context, stack *devstack.Stack, w want) error {
	if w.Leaves.Execution == nil {
		return nil
	}
	arn := execution(stack, w.Leaves.Execution.Machine, w.Leaves.Execution.Name)
	_, err := sfn.NewFromConfig(stack.Config()).DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	return err
}

// execution returns the ARN of an execution.
func execution(stack *devstack.Stack, machine, name string) string {
	return strings.Replace(stack.Outputs[machine+"Arn"], ":stateMachine:", ":execution:", 1) + ":" + name
}

func lookAtMail(ctx context.Context, stack *devstack.Stack, w want) error {
	if w.Leaves.Mail == nil {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, stack.Emulator.URL+"/_ministack/ses/messages", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var inbox struct {
		Messages map[string][]struct {
			To      []string
			Subject string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&inbox); err != nil {
		return err
	}
	for _, mails := range inbox.Messages {
		for _, m := range mails {
			if len(m.To) == 1 && m.To[0] == w.Leaves.Mail.To && m.Subject == w.Leaves.Mail.Subject {
				return nil
			}
		}
	}
	return fmt.Errorf("no mail %q to %s", w.Leaves.Mail.Subject, w.Leaves.Mail.To)
}

package samlocal

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// leaves are a function's expected effects.
type leaves struct {
	Item      *item
	Message   *message
	Execution *execution
	Mail      *mail
}

// checkEffects checks a function's effects. body is the body of its result.
func (w want) checkEffects(ctx context.Context, stack *devstack.Stack, body map[string]any) (err error) {
	if w.Leaves.Item != nil {
		err = w.Leaves.Item.check(ctx, stack, table(stack, w.service), body)
	}
	if w.Leaves.Message != nil {
		err = errors.Join(err, w.Leaves.Message.check(ctx, stack))
	}
	if w.Leaves.Execution != nil {
		_, described := w.Leaves.Execution.describe(ctx, stack)
		err = errors.Join(err, described)
	}
	if w.Leaves.Mail != nil {
		err = errors.Join(err, w.Leaves.Mail.check(ctx, stack))
	}
	return err
}

// item is in the service's table. "${name}" in its key is that value of the result's body.
type item struct {
	PK, SK string
	Has    map[string]any
	Gone   bool // it was deleted
}

func (i item) check(ctx context.Context, stack *devstack.Stack, table string, body map[string]any) error {
	pk, sk := i.PK, i.SK
	for name, value := range body {
		pk = strings.ReplaceAll(pk, "${"+name+"}", fmt.Sprint(value))
	}
	out, err := dynamodb.NewFromConfig(stack.Config()).GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &table, Key: ddb.Key(pk, sk), ConsistentRead: aws.Bool(true)})
	if err != nil {
		return err
	}
	if there := len(out.Item) > 0; there == i.Gone {
		return fmt.Errorf("the item %s %s: it is in the table: %t", pk, sk, there)
	}
	var got map[string]any
	if err := attributevalue.UnmarshalMap(out.Item, &got); err != nil {
		return err
	}
	if differences := differ(pk+" "+sk, i.Has, got); !i.Gone && len(differences) > 0 {
		return errors.New(strings.Join(differences, "\n    "))
	}
	return nil
}

// table returns the name of a service's table.
func table(stack *devstack.Stack, service string) string {
	return stack.Outputs[casing.Camel(service)+"TableName"]
}

// message is in a queue and contains a text.
type message struct{ Queue, Has string }

func (m message) check(ctx context.Context, stack *devstack.Stack) error {
	client := sqs.NewFromConfig(stack.Config())
	queue, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &m.Queue})
	if err != nil {
		return err
	}
	for range 10 { // at most ten messages per call
		out, err := client.ReceiveMessage(ctx,
			&sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10})
		if err != nil {
			return err
		}
		for _, received := range out.Messages {
			if strings.Contains(aws.ToString(received.Body), m.Has) {
				return nil
			}
		}
	}
	return fmt.Errorf("no message in %s has %s", m.Queue, m.Has)
}

// execution is an execution of a state machine.
type execution struct{ Machine, Name string }

func (e execution) describe(ctx context.Context, stack *devstack.Stack) (*sfn.DescribeExecutionOutput, error) {
	arn := strings.Replace(stack.Outputs[e.Machine+"Arn"], ":stateMachine:", ":execution:", 1) + ":" + e.Name
	return sfn.NewFromConfig(stack.Config()).DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
}

// mail was sent to an address.
type mail struct{ To, Subject string }

func (m mail) check(ctx context.Context, stack *devstack.Stack) error {
	inbox, err := stack.Emulator.Inbox(ctx)
	if err == nil && !slices.ContainsFunc(inbox, func(sent devstack.Mail) bool {
		return slices.Equal(sent.To, []string{m.To}) && sent.Subject == m.Subject
	}) {
		err = fmt.Errorf("no mail %q to %s", m.Subject, m.To)
	}
	return err
}

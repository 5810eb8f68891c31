package samlocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	ordersstore "orderflow/internal/orders/dynamo"
	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/money"
)

// leaves has a function's expected effects.
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
	for range 10 { // at most ten messages per call; the topic may still deliver
		out, err := client.ReceiveMessage(ctx,
			&sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
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

// sample is the order of the sample events.
var sample = orders.Order{
	OrderID: "01KAQ5M3Z8V7D2X4C6B9N1T0RW", CustomerID: "5f0c9a3e-2b71-4f0e-9d55-8a4b1f6c7e10",
	CustomerEmail: "ada@example.com", Status: orders.StatusPending,
	Items: []contract.Item{
		{SKU: "MUG-BLUE", Quantity: 2, UnitPrice: money.Money{Currency: "EUR", Amount: 1999}},
		{SKU: "TEA-EARL-GREY", Quantity: 1, UnitPrice: money.Money{Currency: "EUR", Amount: 799}},
	},
	Total: money.Money{Currency: "EUR", Amount: 4797},
	ShippingAddress: contract.Address{Name: "Ada Lovelace", Line1: "12 St James Square", City: "Berlin",
		PostalCode: "10115", Country: "DE"},
	PaymentMethod: "pm_card_visa", Version: 1,
}

// stockTea creates the sample order's product that no other sample event creates, with stock, and
// returns once orders has its price.
func stockTea(ctx context.Context, stack *devstack.Stack) error {
	const tea = "TEA-EARL-GREY"
	if err := demo.Of(stack, "alice").Sell(ctx, tea, "Tea, Earl Grey", 799, 10); err != nil {
		return err
	}
	prices := ordersstore.Open(ddb.Open(stack.Config(), table(stack, "orders"), clock.System{}))
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		p, err := prices.Price(ctx, tea)
		if err != nil {
			return err
		}
		if p.Version > 0 {
			return nil
		}
		if err := clock.Sleep(ctx, 200*time.Millisecond); err != nil {
			return errors.New("orders did not receive the price of tea")
		}
	}
}

// prepare creates the preconditions of an invocation.
func (w want) prepare(ctx context.Context, stack *devstack.Stack, event string) error {
	switch w.Given {
	case "":
		return nil
	case "ready services":
		return demo.Of(stack, "alice").Ready(ctx)
	case "order":
		return renewOrder(ctx, stack)
	case "outbox":
		return fillOutbox(ctx, stack, table(stack, w.service), event)
	case "stopped saga":
		return stopSaga(ctx, stack, w.Leaves.Execution.Name)
	}
	return fmt.Errorf("unknown precondition %q", w.Given)
}

// renewOrder resets the sample order to its initial state.
func renewOrder(ctx context.Context, stack *devstack.Stack) error {
	store := ordersstore.Open(ddb.Open(stack.Config(), table(stack, "orders"), clock.System{}))
	all, err := store.Client.Scan(ctx, &dynamodb.ScanInput{TableName: &store.Name})
	if err != nil {
		return err
	}
	for _, item := range all.Items {
		var key struct{ PK, SK string }
		if err := attributevalue.UnmarshalMap(item, &key); err != nil {
			return err
		}
		if strings.Contains(key.PK, sample.OrderID) {
			if _, err := store.Client.DeleteItem(ctx,
				&dynamodb.DeleteItemInput{TableName: &store.Name, Key: ddb.Key(key.PK, key.SK)}); err != nil {
				return err
			}
		}
	}
	o := sample
	o.CreatedAt = time.Now().UTC()
	o.UpdatedAt = o.CreatedAt
	return store.SaveOrder(ctx, o, commit.With{})
}

// fillOutbox writes the item that a relay's sample event is about.
func fillOutbox(ctx context.Context, stack *devstack.Stack, table, event string) error {
	data, err := os.ReadFile(event)
	if err != nil {
		return err
	}
	var stream struct {
		Records []struct {
			DynamoDB struct{ NewImage map[string]struct{ S string } }
		}
	}
	if err := json.Unmarshal(data, &stream); err != nil {
		return fmt.Errorf("%s: %w", event, err)
	}
	if len(stream.Records) != 1 {
		return fmt.Errorf("%s has %d records", event, len(stream.Records))
	}
	item := ddb.Values{}
	for name, value := range stream.Records[0].DynamoDB.NewImage {
		item[name] = ddb.String(value.S)
	}
	_, err = dynamodb.NewFromConfig(stack.Config()).PutItem(ctx,
		&dynamodb.PutItemInput{TableName: &table, Item: item})
	return err
}

// stopSaga stops an execution, which must be running.
func stopSaga(ctx context.Context, stack *devstack.Stack, name string) error {
	now, err := execution{"FulfilOrder", name}.describe(ctx, stack)
	if err != nil {
		return err
	}
	if now.Status != types.ExecutionStatusRunning {
		return fmt.Errorf("the execution %s is %s, not running", name, now.Status)
	}
	_, err = sfn.NewFromConfig(stack.Config()).StopExecution(ctx,
		&sfn.StopExecutionInput{ExecutionArn: now.ExecutionArn})
	return err
}

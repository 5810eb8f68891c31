package samlocal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	ordersstore "orderflow/internal/orders/dynamo"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/money"
)

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

// stockTea puts up for sale the sample order's product that no other sample event creates, and
// returns when orders has its price.
func stockTea(ctx context.Context, stack *devstack.Stack) error {
	const tea = "TEA-EARL-GREY"
	operator := demo.Of(stack, "alice").Operator
	if _, err := operator.PutProduct(ctx, tea, "Tea, Earl Grey", money.Money{Currency: "EUR", Amount: 799},
		""); err != nil {
		return err
	}
	if _, err := operator.AdjustStock(ctx, "", tea,
		client.Adjustment{Delta: 10, Reason: "for the samples", AllowUnknownSKU: true}); err != nil {
		return err
	}
	prices := ordersstore.Store{Table: ddb.Open(stack.Config(), table(stack, "orders"), clock.System{})}
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

// given creates the preconditions of an invocation.
func given(ctx context.Context, stack *devstack.Stack, w want, event string) error {
	switch w.Given {
	case "":
		return nil
	case "ready services":
		return demo.Of(stack, "alice").Ready(ctx)
	case "order":
		return giveOrder(ctx, stack)
	case "outbox":
		return giveOutbox(ctx, stack, w.service, event)
	case "stopped saga":
		return stopSaga(ctx, stack, event)
	}
	return fmt.Errorf("unknown precondition %q", w.Given)
}

func giveOrder(ctx context.Context, stack *devstack.Stack) error {
	store := ordersstore.Store{Table: ddb.Open(stack.Config(), table(stack, "orders"), clock.System{})}
	all, err := store.Client.Scan(ctx, &dynamodb.ScanInput{TableName: &store.Name})
	if err != nil {
		return err
	}
	for _, item := range all.Items {
		var key struct{ PK, SK string }
		if err := attributevalue.UnmarshalMap(item, &key); err != nil {
			return err
		}
		if !strings.Contains(key.PK, sample.OrderID) {
			continue
		}
		if _, err := store.Client.DeleteItem(ctx,
			&dynamodb.DeleteItemInput{TableName: &store.Name, Key: ddb.Key(key.PK, key.SK)}); err != nil {
			return err
		}
	}
	o := sample
	o.CreatedAt = time.Now().UTC()
	o.UpdatedAt = o.CreatedAt
	return store.SaveOrder(ctx, o, commit.With{})
}

func giveOutbox(ctx context.Context, stack *devstack.Stack, service, event string) error {
	var stream struct {
		Records []struct {
			DynamoDB struct{ NewImage map[string]struct{ S string } }
		}
	}
	if err := readJSON(event, &stream); err != nil {
		return err
	}
	if len(stream.Records) != 1 {
		return fmt.Errorf("%s has %d records", event, len(stream.Records))
	}
	item := ddb.Values{}
	for name, value := range stream.Records[0].DynamoDB.NewImage {
		item[name] = ddb.String(value.S)
	}
	_, err := dynamodb.NewFromConfig(stack.Config()).PutItem(ctx,
		&dynamodb.PutItemInput{TableName: aws.String(table(stack, service)), Item: item})
	return err
}

// stopSaga stops the execution of the sample event, which must be running.
func stopSaga(ctx context.Context, stack *devstack.Stack, event string) error {
	var queue struct{ Records []struct{ Body string } }
	if err := readJSON(event, &queue); err != nil {
		return err
	}
	if len(queue.Records) != 1 {
		return fmt.Errorf("%s has %d records", event, len(queue.Records))
	}
	var change struct{ Detail struct{ Name string } }
	if err := json.Unmarshal([]byte(queue.Records[0].Body), &change); err != nil {
		return err
	}
	arn := execution(stack, "FulfilOrder", change.Detail.Name)
	client := sfn.NewFromConfig(stack.Config())
	now, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return err
	}
	if now.Status != types.ExecutionStatusRunning {
		return fmt.Errorf("the execution %s is %s, not running", arn, now.Status)
	}
	_, err = client.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: &arn})
	return err
}

func readJSON(file string, out any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, out)
}

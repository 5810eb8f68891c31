package ddb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox"
)

// DeletePublished deletes the items of published events; see outbox.Store.
func (t *Table) DeletePublished(ctx context.Context, items []outbox.Item) error {
	requests := make([]types.WriteRequest, 0, len(items))
	for _, item := range items {
		deletion := &types.DeleteRequest{Key: Key(item.PK, item.SK)}
		requests = append(requests, types.WriteRequest{DeleteRequest: deletion})
	}
	return t.WriteAll(ctx, requests)
}

// PutAside makes events items under keys that the relay's stream leaves out; see outbox.Store.
func (t *Table) PutAside(ctx context.Context, items []outbox.Item) error {
	requests := make([]types.WriteRequest, 0, len(items))
	for _, i := range items {
		body, err := i.Body()
		if err != nil {
			return err
		}
		put := &types.PutRequest{Item: eventItem(asidePrefix, i.ID(), i.Event.Subject, body)}
		requests = append(requests, types.WriteRequest{PutRequest: put})
	}
	return t.WriteAll(ctx, requests)
}

// Beat writes the heartbeat; see outbox.Swept. The item has the time of its last write, and since
// when the relay has not deleted it.
func (t *Table) Beat(ctx context.Context) (since time.Time, waits bool, err error) {
	now := t.Clock.Now().UTC().Format(time.RFC3339Nano)
	out, err := t.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &t.Name, Key: Key(outbox.Heartbeat.PK, outbox.Heartbeat.SK),
		UpdateExpression: aws.String("SET #since = if_not_exists(#since, :now), #at = :now, #outbox = :none"),
		ExpressionAttributeNames: map[string]string{
			"#since": "since", "#at": "at", "#outbox": outbox.Attribute,
		},
		ExpressionAttributeValues: Values{":now": String(now), ":none": String("[]")},
		ReturnValues:              types.ReturnValueAllNew,
	})
	if err != nil {
		return since, false, err
	}
	var item struct{ Since, At time.Time }
	err = attributevalue.UnmarshalMap(out.Attributes, &item)
	return item.Since, item.Since.Before(item.At), err
}

// Beating reads the heartbeat; see outbox.Watched.
func (t *Table) Beating(ctx context.Context) (since time.Time, waits bool, err error) {
	var item struct {
		Since time.Time `dynamodbav:"since"`
	}
	waits, err = t.Find(ctx, outbox.Heartbeat.PK, outbox.Heartbeat.SK, &item)
	return item.Since, waits, err
}

// Heard deletes the heartbeat that was written at this time; see outbox.Store.
func (t *Table) Heard(ctx context.Context, at string) (last bool, err error) {
	_, err = t.Client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName: &t.Name, Key: Key(outbox.Heartbeat.PK, outbox.Heartbeat.SK),
		ConditionExpression:       aws.String("#at = :at"),
		ExpressionAttributeNames:  map[string]string{"#at": "at"},
		ExpressionAttributeValues: Values{":at": String(at)},
	})
	var other *types.ConditionalCheckFailedException
	if errors.As(err, &other) {
		return false, nil
	}
	return err == nil, err
}

// WriteAll writes up to 25 requests. It retries unprocessed ones until ctx ends. DynamoDB refuses
// two requests for one item; such requests are equal, so only the last one is kept.
func (t *Table) WriteAll(ctx context.Context, all []types.WriteRequest) error {
	var requests []types.WriteRequest
	for n, request := range all {
		same := func(r types.WriteRequest) bool { return written(r) == written(request) }
		if !slices.ContainsFunc(all[n+1:], same) {
			requests = append(requests, request)
		}
	}
	for len(requests) > 0 {
		out, err := t.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
			RequestItems: map[string][]types.WriteRequest{t.Name: requests},
		})
		if err != nil {
			return err
		}
		requests = out.UnprocessedItems[t.Name]
	}
	return nil
}

// written returns the key of the item that a request writes.
func written(r types.WriteRequest) [2]string {
	if r.PutRequest != nil {
		return keyOf(r.PutRequest.Item)
	}
	return keyOf(r.DeleteRequest.Key)
}

// The shards of these prefixes hold the events that are items of their own.
const (
	outboxPrefix = "outbox#"
	asidePrefix  = "aside#"
)

func eventItem(prefix, id, subject string, body []byte) Values {
	item := Key(Shard(prefix, subject), id)
	item["event"] = String(string(body))
	return item
}

// Waiting returns the items of the outbox; see outbox.Swept.
func (t *Table) Waiting(ctx context.Context) ([]outbox.Item, error) {
	var waiting []outbox.Item
	var unreadable error
	for _, pk := range append(Shards(outboxPrefix), Shards(asidePrefix)...) {
		for cursor := ""; ; {
			items, next, err := t.Page(ctx, "", "pk", pk, false, 100, cursor)
			if err != nil {
				return nil, err
			}
			for _, item := range items {
				i := waitingItem(item)
				if i.Malformed != "" {
					unreadable = errors.Join(unreadable, fmt.Errorf("%s %s: %w", i.PK, i.SK, envelope.ErrMalformed))
					continue
				}
				waiting = append(waiting, i)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return waiting, unreadable
}

// waitingItem reads an item of the outbox.
func waitingItem(values Values) outbox.Item {
	var body string
	if event, ok := values["event"].(*types.AttributeValueMemberS); ok {
		body = event.Value
	}
	item, key := outbox.Read([]byte(body)), keyOf(values)
	item.PK, item.SK = key[0], key[1]
	return item
}

package ddb

import (
	"context"
	"errors"
	"time"

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
	return t.writeAll(ctx, requests)
}

// PutAside makes events items under keys that the relay's stream leaves out; see outbox.Store.
func (t *Table) PutAside(ctx context.Context, events []envelope.Event) error {
	requests := make([]types.WriteRequest, 0, len(events))
	for _, e := range events {
		body, err := e.MarshalJSON()
		if err != nil {
			return err
		}
		put := &types.PutRequest{Item: eventItem(asidePrefix, e, body)}
		requests = append(requests, types.WriteRequest{PutRequest: put})
	}
	return t.writeAll(ctx, requests)
}

// Beat writes the heartbeat of the relay, or returns since when it waits; see outbox.Swept.
func (t *Table) Beat(ctx context.Context) (since time.Time, waits bool, err error) {
	items, _, err := t.Page(ctx, "", "pk", outbox.Heartbeat.PK, false, 1, "")
	if err != nil {
		return since, false, err
	}
	if len(items) > 0 {
		return since, true, attributevalue.Unmarshal(items[0]["at"], &since)
	}
	item := Key(outbox.Heartbeat.PK, outbox.Heartbeat.SK)
	item["at"], item[outbox.Attribute] = String(t.Clock.Now().UTC().Format(time.RFC3339Nano)), String("[]")
	return since, false, t.writeAll(ctx, []types.WriteRequest{{PutRequest: &types.PutRequest{Item: item}}})
}

// writeAll writes up to 25 requests. It retries unprocessed ones until ctx ends.
func (t *Table) writeAll(ctx context.Context, requests []types.WriteRequest) error {
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

// The shards of these prefixes hold the events that are items of their own.
const (
	outboxPrefix = "outbox#"
	asidePrefix  = "aside#"
)

func eventItem(prefix string, e envelope.Event, body []byte) Values {
	item := Key(Shard(prefix, e.Subject), e.ID)
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
				body, _ := item["event"].(*types.AttributeValueMemberS)
				sk, _ := item["sk"].(*types.AttributeValueMemberS)
				if body == nil || sk == nil {
					unreadable = errors.Join(unreadable, envelope.ErrMalformed)
					continue
				}
				e, err := envelope.Parse([]byte(body.Value))
				if err != nil {
					unreadable = errors.Join(unreadable, err)
					continue
				}
				waiting = append(waiting, outbox.Item{PK: pk, SK: sk.Value, Event: e})
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return waiting, unreadable
}

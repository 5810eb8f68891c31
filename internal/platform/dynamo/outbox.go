package dynamo

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox"
)

// DeletePublished removes published events from the outbox; see outbox.Store.
func (t *Table) DeletePublished(ctx context.Context, items []outbox.Item) error {
	requests := make([]types.WriteRequest, 0, len(items))
	for _, item := range items {
		requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: Key(item.PK, item.SK)}})
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

// Outbox returns the events that wait to be published.
func (t *Table) Outbox(ctx context.Context) ([]envelope.Event, error) {
	var waiting []envelope.Event
	for n := range shards {
		for cursor := ""; ; {
			items, next, err := t.Page(ctx, "", "pk", "outbox#"+strconv.Itoa(n), false, 100, cursor)
			if err != nil {
				return nil, err
			}
			for _, item := range items {
				body, _ := item["event"].(*types.AttributeValueMemberS)
				if body == nil {
					return nil, envelope.ErrMalformed
				}
				e, err := envelope.Parse([]byte(body.Value))
				if err != nil {
					return nil, err
				}
				waiting = append(waiting, e)
			}
			if cursor = next; cursor == "" {
				break
			}
		}
	}
	return waiting, nil
}

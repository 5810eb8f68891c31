// Package dynamo keeps the state that lets the next process continue, in a table of its own. A
// deployment as functions has Step Functions, SQS and event sources for it. Besides the journal
// (package workflow/dynamo) the table holds:
//
//	pk               sk       what
//	message#<queue>  <id>     a message, until it is handled; for 14 days, as by SQS
//	stream#<ARN>     <shard>  how far a shard of a table's stream was read; for a week
//	record#<list>    <time>#… an entry of a list: an operator's action, or a mail
package dynamo

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/host/delivery"
	"orderflow/internal/host/follow"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
)

// messageRetention equals that of queues; placeRetention exceeds that of streams, which is a day.
const (
	messageRetention = 14 * 24 * time.Hour
	placeRetention   = 7 * 24 * time.Hour
)

// atOnce is how many items DynamoDB writes in one call.
const atOnce = 25

// Table implements delivery.Store, follow.Places and records.Store.
type Table struct{ *ddb.Table }

type messageItem struct {
	PK        string `dynamodbav:"pk"`
	ID        string `dynamodbav:"sk"`
	Body      string `dynamodbav:"body"`
	Receives  int    `dynamodbav:"receives"`
	Dead      bool   `dynamodbav:"dead"`
	ExpiresAt int64  `dynamodbav:"expiresAt"`

	Due time.Time `dynamodbav:"due"`
}

func queueKey(queue string) string { return "message#" + queue }

// Keep writes messages.
func (t Table) Keep(ctx context.Context, messages []delivery.Message) error {
	var requests []types.WriteRequest
	for _, m := range messages {
		item, err := attributevalue.MarshalMap(messageItem{
			queueKey(m.Queue), m.ID, m.Body, m.Receives, m.Dead, t.expiry(messageRetention), m.Due,
		})
		if err != nil {
			return err
		}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	return t.write(ctx, requests)
}

// Drop deletes messages.
func (t Table) Drop(ctx context.Context, queue string, ids []string) error {
	var requests []types.WriteRequest
	for _, id := range ids {
		deletion := &types.DeleteRequest{Key: ddb.Key(queueKey(queue), id)}
		requests = append(requests, types.WriteRequest{DeleteRequest: deletion})
	}
	return t.write(ctx, requests)
}

func (t Table) write(ctx context.Context, requests []types.WriteRequest) error {
	for chunk := range slices.Chunk(requests, atOnce) {
		if err := t.WriteAll(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (t Table) expiry(after time.Duration) int64 { return t.Clock.Now().Add(after).Unix() }

// Messages returns all messages of a queue.
func (t Table) Messages(ctx context.Context, queue string) (all []delivery.Message, err error) {
	err = t.each(ctx, queueKey(queue), func(values ddb.Values) error {
		var item messageItem
		err := attributevalue.UnmarshalMap(values, &item)
		all = append(all, delivery.Message{
			Queue: queue, ID: item.ID, Body: item.Body, Receives: item.Receives, Dead: item.Dead, Due: item.Due,
		})
		return err
	})
	return all, err // the order of a return's operands is not specified
}

// place is a place as it is stored, with its shard's key beside it.
type place struct {
	After     string `dynamodbav:"after"`
	End       bool   `dynamodbav:"end"`
	ExpiresAt int64  `dynamodbav:"expiresAt"`
}

func streamKey(stream string) string { return "stream#" + stream }

// Places returns how far the shards of a stream were read.
func (t Table) Places(ctx context.Context, stream string) (map[string]follow.Place, error) {
	all := map[string]follow.Place{}
	err := t.each(ctx, streamKey(stream), func(values ddb.Values) error {
		var item struct {
			Shard string `dynamodbav:"sk"`
			place
		}
		err := attributevalue.UnmarshalMap(values, &item)
		all[item.Shard] = follow.Place{After: item.After, End: item.End}
		return err
	})
	return all, err
}

// SavePlace writes how far a shard was read.
func (t Table) SavePlace(ctx context.Context, stream, shard string, p follow.Place) error {
	at := place{p.After, p.End, t.expiry(placeRetention)}
	return t.Commit(ctx, commit.With{}, t.Save(streamKey(stream), shard, at))
}

// each visits the items of a partition, read consistently.
func (t Table) each(ctx context.Context, pk string, visit func(ddb.Values) error) error {
	pages := dynamodb.NewQueryPaginator(t.Client, &dynamodb.QueryInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: ddb.Values{":pk": ddb.String(pk)},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
	}
	return nil
}

package ddbtest

import (
	"context"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/outbox/tail"
)

// Forms are the values of ddb.Table.Previous, by name.
var Forms = map[string]bool{"current": false, "previous": true}

// Stream is the stream of a table, as the relay reads it.
type Stream struct{ Table *ddb.Table }

// Outbox returns all events that the relay gets from the stream.
func (s Stream) Outbox(ctx context.Context) ([]envelope.Event, error) {
	all := &collected{}
	err := s.Relay(ctx, all, all)
	return all.events, err
}

// Relay passes all records of the stream to a relay.
func (s Stream) Relay(ctx context.Context, topic outbox.Topic, store outbox.Store) error {
	about, err := s.Table.Client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &s.Table.Name})
	if err != nil {
		return err
	}
	client := dynamodbstreams.NewFromConfig(config(os.Getenv(Endpoint)))
	stream := tail.Stream{Client: client, ARN: aws.ToString(about.Table.LatestStreamArn)}
	shards, err := stream.Shards(ctx)
	if err != nil {
		return err
	}
	relay := outbox.Relay(topic, store, clock.System{})
	for _, shard := range shards {
		batch, _, err := stream.Batch(ctx, shard)
		if err != nil {
			return err
		}
		if _, err := relay.Invoke(ctx, batch); err != nil {
			return err
		}
	}
	return nil
}

// collected is a topic that keeps published events, and an outbox from which nothing is deleted.
type collected struct{ events []envelope.Event }

// Publish is part of outbox.Topic.
func (c *collected) Publish(_ context.Context, batch []envelope.Event) (map[string]error, error) {
	c.events = append(c.events, batch...)
	return nil, nil
}

// DeletePublished is part of outbox.Store.
func (*collected) DeletePublished(context.Context, []outbox.Item) error { return nil }

// PutAside is part of outbox.Store.
func (*collected) PutAside(context.Context, []outbox.Item) error { return nil }

// Heard is part of outbox.Store.
func (*collected) Heard(context.Context, string) (bool, error) { return false, nil }

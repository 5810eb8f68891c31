// Package tail reads a table's stream as the relay's event source does. Operators use it to pass
// events to a relay again, and tests to see what a relay gets.
package tail

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"orderflow/internal/platform/outbox"
)

// Stream is the stream of a table.
type Stream struct {
	Client *dynamodbstreams.Client
	ARN    string
	// Inserts is the prefix of the keys of new items that are wanted; "" for what a relay wants:
	// events.
	Inserts string
}

// Part is a part of a shard: the records from one sequence number to another, both included.
// Without them it is the whole shard, of which the stream has the last 24 hours. Its JSON form is
// an event source's message to its failure destination.
type Part struct {
	Shard string `json:"shardId"`
	From  string `json:"startSequenceNumber"`
	To    string `json:"endSequenceNumber"`
}

// Shards returns all shards.
func (s Stream) Shards(ctx context.Context) (all []Part, err error) {
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &s.ARN}
	for {
		out, err := s.Client.DescribeStream(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, shard := range out.StreamDescription.Shards {
			all = append(all, Part{Shard: aws.ToString(shard.ShardId)})
		}
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return all, nil
		}
	}
}

// ErrPart is the error of Batch if the stream did not return all records of the part.
var ErrPart = errors.New("the stream did not return the records up to the end of the part; try again")

// empty is how many empty pages in a row Batch reads before it gives up. A stream returns empty
// pages between records that are far apart.
const empty = 100

// Batch returns the records of a part that have events, as an invocation of the relay, and their
// number. If the part has an end, Batch reads until there or fails.
func (s Stream) Batch(ctx context.Context, part Part) (payload []byte, count int, err error) {
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &s.ARN, ShardId: &part.Shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if part.From != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAtSequenceNumber, &part.From
	}
	start, err := s.Client.GetShardIterator(ctx, in)
	if err != nil {
		return nil, 0, err
	}
	batch := invocation{Records: []map[string]any{}}
	complete := part.To == ""
	for next, dry := start.ShardIterator, 0; next != nil; {
		page, err := s.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			return nil, 0, err
		}
		next = page.NextShardIterator
		if dry++; len(page.Records) > 0 {
			dry = 0
		}
		if part.To == "" && dry > 0 || dry == empty {
			break // up to date
		}
		for _, r := range page.Records {
			number := aws.ToString(r.Dynamodb.SequenceNumber)
			if part.To != "" && !later(part.To, number) {
				complete, next = true, nil
				if number != part.To {
					break
				}
			}
			if record := s.record(r); record != nil {
				batch.Records = append(batch.Records, record)
			}
		}
	}
	if !complete {
		return nil, 0, ErrPart
	}
	payload, err = json.Marshal(batch)
	return payload, len(batch.Records), err
}

// invocation is what a stream passes to its function.
type invocation struct{ Records []map[string]any }

// record returns a record as a function gets it, nil if it is not wanted.
func (s Stream) record(r types.Record) map[string]any {
	image := texts(r.Dynamodb.NewImage)
	if !s.wants(r, image) {
		return nil
	}
	return map[string]any{"eventName": r.EventName, "dynamodb": map[string]any{"NewImage": image}}
}

// wants is the filter of the event source; see template.yaml.
func (s Stream) wants(r types.Record, image map[string]map[string]string) bool {
	if _, ok := image[outbox.Attribute]; ok && s.Inserts == "" {
		return true
	}
	return r.EventName == types.OperationTypeInsert &&
		strings.HasPrefix(image["pk"]["S"], cmp.Or(s.Inserts, "outbox#"))
}

// texts returns the attributes that are strings, in DynamoDB's JSON.
func texts(image map[string]types.AttributeValue) map[string]map[string]string {
	all := map[string]map[string]string{}
	for name, value := range image {
		if s, ok := value.(*types.AttributeValueMemberS); ok {
			all[name] = map[string]string{"S": s.Value}
		}
	}
	return all
}

// later compares sequence numbers, which are decimals of any length.
func later(a, b string) bool {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) > 0
}

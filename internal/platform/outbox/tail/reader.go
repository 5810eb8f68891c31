package tail

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// pageSize is how many records a Reader reads at a time.
const pageSize = 100

// Page are records of a shard, in order.
type Page struct {
	// Payload has the wanted records as an invocation of the stream's function.
	Payload []byte
	Wanted  int
	Records int    // including unwanted ones
	After   string // sequence number of the last record; "" if there are none
	// End says that the shard has no more records, now and later.
	End bool
	// Trimmed says that the stream has dropped the records after the reader's place: the reader has
	// continued with the oldest record that is left.
	Trimmed bool
}

// Reader reads a shard continuously.
type Reader struct {
	stream       Stream
	shard, after string
	next         *string // iterator; nil: to be opened at after
	trimmed      bool
}

// Follow returns a reader of a shard from after a sequence number, or "" for the shard's beginning.
func (s Stream) Follow(shard, after string) *Reader {
	return &Reader{stream: s, shard: shard, after: after}
}

// Next returns the records that follow, which may be none yet. After an error it can be called
// again.
func (r *Reader) Next(ctx context.Context) (p Page, err error) {
	if r.next == nil {
		if err := r.open(ctx); err != nil {
			return p, err
		}
	}
	out, err := r.stream.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{
		ShardIterator: r.next, Limit: aws.Int32(pageSize),
	})
	if err != nil {
		r.next = nil // it may have expired
		return p, err
	}
	in := invocation{Records: []map[string]any{}}
	for _, record := range out.Records {
		p.After = aws.ToString(record.Dynamodb.SequenceNumber)
		if wanted := r.stream.record(record); wanted != nil {
			in.Records = append(in.Records, wanted)
		}
	}
	if p.Payload, err = json.Marshal(in); err != nil {
		return p, err
	}
	p.Wanted, p.Records, p.End, p.Trimmed = len(in.Records), len(out.Records), out.NextShardIterator == nil, r.trimmed
	r.next, r.trimmed = out.NextShardIterator, false
	if p.After != "" {
		r.after = p.After
	}
	return p, nil
}

// open obtains the iterator.
func (r *Reader) open(ctx context.Context) error {
	in := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &r.stream.ARN, ShardId: &r.shard, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
	}
	if r.after != "" {
		in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &r.after
	}
	out, err := r.stream.Client.GetShardIterator(ctx, in)
	var trimmed *types.TrimmedDataAccessException
	if errors.As(err, &trimmed) && r.after != "" {
		r.after, r.trimmed = "", true
		return r.open(ctx)
	}
	if err == nil {
		r.next = out.ShardIterator
	}
	return err
}

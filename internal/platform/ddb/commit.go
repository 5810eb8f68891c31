package ddb

import (
	"context"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// Op is one write of a business change.
type Op struct {
	Write types.TransactWriteItem
	// Refused is the error of Commit if this write's condition does not hold. Every write with a
	// condition needs it.
	Refused error
	// Busy, if not nil, is the error of Commit as soon as this write has failed twice because
	// others write the same item or partition, for a caller that has another way.
	Busy error
	// err is why the write could not be built. Commit returns it.
	err error
}

// attempts and pause bound the retries of a conflicting transaction.
const (
	attempts = 5
	pause    = 20 * time.Millisecond
)

// crowded are the reasons of a write that failed because of others.
var crowded = []string{"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}

// Commit writes with and ops in one transaction. It returns fault.ErrLostRace if a barrier or
// idempotency record already exists, else the Refused error of the first op whose condition does
// not hold. It retries conflicts and throttling a few times, then returns a transient error.
func (t *Table) Commit(ctx context.Context, with commit.With, ops ...Op) error {
	records, err := with.Encode()
	if err != nil {
		return err
	}
	if ops = append(t.puts(records, with.Events), ops...); len(ops) == 0 {
		return nil // DynamoDB refuses an empty transaction
	}
	items := make([]types.TransactWriteItem, len(ops))
	for i, op := range ops {
		if op.err != nil {
			return op.err
		}
		items[i] = op.Write
	}
	for n := range attempts {
		_, err = t.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) {
			return err
		}
		for i, reason := range cancelled.CancellationReasons {
			if aws.ToString(reason.Code) == "ConditionalCheckFailed" && ops[i].Refused != nil {
				return ops[i].Refused
			}
		}
		if err := wait(ctx, n); err != nil {
			return err
		}
		for i, reason := range cancelled.CancellationReasons {
			if n > 0 && ops[i].Busy != nil && slices.Contains(crowded, aws.ToString(reason.Code)) {
				return ops[i].Busy
			}
		}
	}
	return fault.New(fault.Transient, "Transient", "the table is busy; try again").Because(err)
}

// Record writes with alone; see commit.Log.
func (t *Table) Record(ctx context.Context, with commit.With) error { return t.Commit(ctx, with) }

// wait sleeps before attempt n+2, with exponential backoff and full jitter.
func wait(ctx context.Context, n int) error {
	return clock.Sleep(ctx, time.Duration(rand.Int64N(int64(pause)<<n))) //nolint:gosec // jitter, not a secret
}

// puts returns the writes of records. events are the events that were encoded.
func (t *Table) puts(records commit.Records, events []envelope.Event) []Op {
	var ops []Op
	for _, rec := range records.Barriers {
		ops = append(ops, t.putBarrier(rec))
	}
	if records.Reply != nil {
		ops = append(ops, t.putReply(*records.Reply))
	}
	for i, e := range events {
		ops = append(ops, t.putEvent(e, records.Events[i]))
	}
	return ops
}

// putIf puts a whole item if condition holds, else Commit fails with refused. It is only for new
// items: a put would lose the attributes that a newer version of the code has added; see
// SaveVersion.
func (t *Table) putIf(item Values, refused error, condition string, values Values) Op {
	return Op{Refused: refused, Write: types.TransactWriteItem{Put: &types.Put{
		TableName: &t.Name, Item: item, ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}}
}

// CheckIf writes nothing. If condition does not hold for the item, Commit fails with refused.
func (t *Table) CheckIf(pk, sk string, refused error, condition string, values Values) Op {
	return Op{Refused: refused, Write: types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &t.Name, Key: Key(pk, sk), ConditionExpression: &condition, ExpressionAttributeValues: values,
	}}}
}

// Number returns a number attribute.
func Number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// shards is the number of partitions of the outbox and of sharded indexes.
const shards = 8

// Shard returns the partition for subject among the shards of prefix.
func Shard(prefix, subject string) string {
	return prefix + strconv.Itoa(int(crc32.ChecksumIEEE([]byte(subject))%shards))
}

// Shards returns the partitions of all shards of prefix.
func Shards(prefix string) []string {
	all := make([]string, shards)
	for n := range all {
		all[n] = prefix + strconv.Itoa(n)
	}
	return all
}

package ddb

import (
	"cmp"
	"context"
	cryptorand "crypto/rand"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Op is one write of a business change.
type Op struct {
	Write types.TransactWriteItem
	// Refused is the error of Commit if this write's condition does not hold. Every write with a
	// condition needs it.
	Refused error
	// Busy, if not nil, is the error of Commit if this write still conflicts with other writes of
	// the item at its second attempt, for a caller that has an alternative.
	Busy error
	// Events makes this write carry the events of the change, since its item is small.
	Events bool
	// err is why the write could not be built. Commit returns it.
	err error
	// records are the attributes of the barrier records that join added to the write.
	records []string
	token   string // see tokened
}

// attempts and pause bound the retries of a conflicting write.
const (
	attempts = 5
	pause    = 20 * time.Millisecond
)

// Reasons of a transaction that was cancelled.
const (
	// conflicting: another transaction writes the item. Throttling has reasons of its own.
	conflicting = "TransactionConflict"
	// invalid: DynamoDB can never accept the write.
	invalid = "ValidationError"
)

// Commit writes with and ops, or nothing. A change that writes one item is one conditional write,
// any other a transaction. Commit returns fault.ErrLostRace if a barrier or idempotency record
// already exists, else the Refused errors of the ops whose conditions do not hold; a lost race
// among them stands for all. It retries conflicts and throttling a few times, then returns a
// transient error.
func (t *Table) Commit(ctx context.Context, with commit.With, ops ...Op) error {
	records, err := with.Encode()
	if err != nil {
		return err
	}
	for _, op := range ops {
		if op.err != nil {
			return op.err
		}
	}
	ops = t.join(records, with.Events, ops)
	barrier.Forget(ctx)
	if len(ops) == 1 {
		ops[0] = ops[0].tokened(cryptorand.Text())
	}
	for n := range attempts {
		var conflicts []int
		if conflicts, err = t.write(ctx, ops); conflicts == nil {
			return err
		}
		var busy []error
		for _, i := range conflicts {
			if n > 0 && ops[i].Busy != nil {
				busy = append(busy, ops[i].Busy)
			}
		}
		if len(busy) > 0 {
			return joined(busy)
		}
		if err := wait(ctx, n); err != nil {
			return err
		}
	}
	return fault.New(fault.Transient, "Transient", "the table is busy; try again").Because(err)
}

// write tries to write ops once. If another attempt may succeed, it returns which ops conflicted
// with other writes.
func (t *Table) write(ctx context.Context, ops []Op) (conflicts []int, err error) {
	switch {
	case len(ops) == 0:
		return nil, nil // DynamoDB refuses an empty transaction
	case len(ops) == 1 && ops[0].Write.Put != nil:
		_, err = t.Client.PutItem(ctx, single(ops[0].Write.Put))
	case len(ops) == 1 && ops[0].Write.Update != nil:
		_, err = t.Client.UpdateItem(ctx, singleUpdate(ops[0].Write.Update))
	default:
		items := make([]types.TransactWriteItem, len(ops))
		for i, op := range ops {
			items[i] = op.Write
		}
		_, err = t.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	}
	var conflict *types.TransactionConflictException
	var failed *types.ConditionalCheckFailedException
	var cancelled *types.TransactionCanceledException
	switch {
	case errors.As(err, &conflict):
		return []int{0}, err
	case errors.As(err, &failed):
		if t, ok := failed.Item[token].(*types.AttributeValueMemberS); ok && t.Value == ops[0].token {
			return nil, nil // the answer to it was lost
		}
		reason := types.CancellationReason{Code: aws.String(conditionFailed), Item: failed.Item}
		return nil, cmp.Or(refusal(ops, reason), err)
	case errors.As(err, &cancelled):
		if refused := refusal(ops, cancelled.CancellationReasons...); refused != nil {
			return nil, refused
		}
		conflicts = []int{}
		for i, reason := range cancelled.CancellationReasons {
			switch aws.ToString(reason.Code) {
			case conflicting:
				conflicts = append(conflicts, i)
			case invalid:
				return nil, err
			}
		}
		return conflicts, err
	}
	return nil, err
}

func single(p *types.Put) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{
		TableName: p.TableName, Item: p.Item, ConditionExpression: p.ConditionExpression,
		ExpressionAttributeNames: p.ExpressionAttributeNames, ExpressionAttributeValues: p.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: p.ReturnValuesOnConditionCheckFailure,
	}
}

func singleUpdate(u *types.Update) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: u.TableName, Key: u.Key, UpdateExpression: u.UpdateExpression,
		ConditionExpression:      u.ConditionExpression,
		ExpressionAttributeNames: u.ExpressionAttributeNames, ExpressionAttributeValues: u.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: u.ReturnValuesOnConditionCheckFailure,
	}
}

const conditionFailed = "ConditionalCheckFailed"

// refusal returns why ops were refused: by an existing record or another writer, else by all ops
// whose conditions do not hold.
func refusal(ops []Op, reasons ...types.CancellationReason) error {
	var all []error
	for i, reason := range reasons {
		if aws.ToString(reason.Code) != conditionFailed {
			continue
		}
		for _, name := range ops[i].records {
			if _, exists := reason.Item[name]; exists || ops[i].Refused == nil {
				return fault.ErrLostRace
			}
		}
		if errors.Is(ops[i].Refused, fault.ErrLostRace) {
			return fault.ErrLostRace
		}
		all = append(all, ops[i].Refused)
	}
	return joined(all)
}

// joined returns errors as one error; a single one stays as it is.
func joined(all []error) error {
	if len(all) == 1 {
		return all[0]
	}
	return errors.Join(all...)
}

// Record writes with alone; see commit.Log.
func (t *Table) Record(ctx context.Context, with commit.With) error { return t.Commit(ctx, with) }

// wait sleeps before attempt n+2, with exponential backoff and full jitter.
func wait(ctx context.Context, n int) error {
	return clock.Sleep(ctx, time.Duration(rand.Int64N(int64(pause)<<n))) //nolint:gosec // jitter, not a secret
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

package ddb

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// OpenIndex is the name of a sparse index over the items that wait for something, each for as long
// as it does. It is spread over the shards of open#, and each is in the order of time.
const OpenIndex = "open"

// openTime is of one length, so that it sorts as the times do.
const openTime = "2006-01-02T15:04:05.000Z"

// Opened is the part of an item's shape that puts it into the index; the zero Opened takes it out.
type Opened struct {
	PK string `dynamodbav:"openPk,omitempty"`
	SK string `dynamodbav:"openSk,omitempty"`
}

// OpenSince puts an item into the index, as waiting since a time; subject names it.
func OpenSince(subject string, since time.Time) Opened {
	return Opened{PK: Shard("open#", subject), SK: since.UTC().Format(openTime) + "#" + subject}
}

// EachOpen calls visit with the pk of every item that waits since before a time. The index follows
// the table with a delay, so visit reads the item itself. A visit that fails does not keep it from the
// others; it returns the errors of all.
func (t *Table) EachOpen(ctx context.Context, before time.Time, visit func(pk string) error) error {
	until := before.UTC().Format(openTime)
	var failed error
	for _, shard := range Shards("open#") {
		for cursor, more := "", true; more; {
			items, next, err := t.Page(ctx, OpenIndex, OpenIndex+"Pk", shard, false, 100, cursor)
			if err != nil {
				return errors.Join(failed, err)
			}
			for _, item := range items {
				pk, _ := item["pk"].(*types.AttributeValueMemberS)
				since, _ := item[OpenIndex+"Sk"].(*types.AttributeValueMemberS)
				if pk == nil || since == nil || since.Value >= until {
					next = "" // the rest waits for less
					break
				}
				failed = errors.Join(failed, visit(pk.Value))
			}
			cursor, more = next, next != ""
		}
	}
	return failed
}

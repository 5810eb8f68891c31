package ddb

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// OpenIndex is the name of a sparse index of the items that wait for something. It is spread over
// the shards of open#, each sorted by time.
const OpenIndex = "open"

// openTime has a fixed length, so that it sorts by time.
const openTime = "2006-01-02T15:04:05.000Z"

// Opened is the part of an item's shape that adds it to the index. The zero Opened removes it.
type Opened struct {
	PK string `dynamodbav:"openPk,omitempty"`
	SK string `dynamodbav:"openSk,omitempty"`
}

// OpenSince adds an item to the index as waiting since a time. subject identifies it.
func OpenSince(subject string, since time.Time) Opened {
	return Opened{PK: Shard("open#", subject), SK: since.UTC().Format(openTime) + "#" + subject}
}

// EachOpen calls visit with the pk of every item that has waited since before a time. The index
// lags behind the table, so visit must read the item itself. EachOpen continues after a failed
// visit and returns all errors.
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
					next = "" // the rest is younger
					break
				}
				failed = errors.Join(failed, visit(pk.Value))
			}
			cursor, more = next, next != ""
		}
	}
	return failed
}

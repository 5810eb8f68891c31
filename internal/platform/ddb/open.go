package ddb

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/fault"
)

// OpenIndex is the name of a sparse index of items that are waiting. It is spread over the shards
// of open#, each sorted by time.
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
	return OpenIn(Shard("open#", subject), subject, since)
}

// OpenIn is OpenSince in a partition of its own.
func OpenIn(partition, subject string, since time.Time) Opened {
	return Opened{PK: partition, SK: openSK(since) + "#" + subject}
}

func openSK(t time.Time) string { return t.UTC().Format(openTime) }

// OpenPage reads a page of the items of partitions of the index that have waited since before a
// time, oldest first, and returns their pks. cursor is "" for the first page, else what the
// previous call returned. The returned cursor is "" on the last page.
func (t *Table) OpenPage(
	ctx context.Context, partitions []string, before time.Time, limit int, cursor string,
) (pks []string, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if _, bad := time.Parse(openTime, string(after[:min(len(after), len(openTime))])); err != nil ||
		cursor != "" && bad != nil {
		return nil, "", fault.ErrCursor
	}
	from, until := string(after)+" ", openSK(before)
	if from > until { // DynamoDB refuses such a range
		return nil, "", nil
	}
	type found struct{ PK, Since string }
	var all []found
	more := false
	for _, partition := range partitions {
		res, err := t.Client.Query(ctx, &dynamodb.QueryInput{
			TableName: &t.Name, IndexName: aws.String(OpenIndex),
			Limit:                  aws.Int32(int32(limit)), //nolint:gosec // 1 to 100
			KeyConditionExpression: aws.String("openPk = :pk AND openSk BETWEEN :from AND :until"),
			ExpressionAttributeValues: Values{
				":pk": String(partition), ":from": String(from), ":until": String(until),
			},
		})
		if err != nil {
			return nil, "", err
		}
		more = more || res.LastEvaluatedKey != nil
		for _, item := range res.Items {
			since, _ := item[OpenIndex+"Sk"].(*types.AttributeValueMemberS)
			all = append(all, found{keyOf(item)[0], since.Value})
		}
	}
	slices.SortFunc(all, func(a, b found) int { return strings.Compare(a.Since, b.Since) })
	all = slices.Compact(all) // an item that moved meanwhile was found in both partitions
	if len(all) > limit {
		all, more = all[:limit], true
	}
	for _, f := range all {
		pks = append(pks, f.PK)
	}
	if more && len(all) > 0 {
		next = base64.RawURLEncoding.EncodeToString([]byte(all[len(all)-1].Since))
	}
	return pks, next, nil
}

// EachOpen calls visit with the pk of every item that has waited since before a time. The index
// lags behind the table, so visit must read the item itself. EachOpen continues after a failed
// visit and returns all errors.
func (t *Table) EachOpen(ctx context.Context, before time.Time, visit func(pk string) error) error {
	until := openSK(before)
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

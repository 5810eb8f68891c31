package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/host/records"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ids"
)

type recordItem struct {
	PK        string `dynamodbav:"pk"`
	SK        string `dynamodbav:"sk"`
	At        int64  `dynamodbav:"at"`
	Message   string `dynamodbav:"message"`
	ExpiresAt int64  `dynamodbav:"expiresAt"`
}

func recordKey(list string) string { return "record#" + list }

// Append adds records to a list; see records.Store.
func (t Table) Append(ctx context.Context, list string, keep time.Duration, all ...records.Record) error {
	source := ids.Random(t.Clock)
	var requests []types.WriteRequest
	for _, r := range all {
		item, err := attributevalue.MarshalMap(recordItem{
			recordKey(list), fmt.Sprintf("%013d#%s", r.Timestamp, source.New()), r.Timestamp, r.Message, t.expiry(keep),
		})
		if err != nil {
			return err
		}
		requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
	}
	return t.write(ctx, requests)
}

// Latest returns the latest records of a list; see records.Store.
func (t Table) Latest(ctx context.Context, list string) (all []records.Record, err error) {
	pages := dynamodb.NewQueryPaginator(t.Client, &dynamodb.QueryInput{
		TableName: &t.Name, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("pk = :pk"),
		ExpressionAttributeValues: ddb.Values{":pk": ddb.String(recordKey(list))}, ScanIndexForward: aws.Bool(false),
	})
	for pages.HasMorePages() && len(all) < records.Most {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, values := range page.Items {
			var item recordItem
			if err := attributevalue.UnmarshalMap(values, &item); err != nil {
				return nil, err
			}
			all = append(all, records.Record{Timestamp: item.At, Message: item.Message})
		}
	}
	all = all[:min(len(all), records.Most)]
	slices.Reverse(all)
	return all, nil
}

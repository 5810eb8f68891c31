package ddb

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/fault"
)

// Page reads one page of a partition of an index, or of the table if index is "". pkName is the
// name of the partition attribute. cursor is "" for the first page, else what the previous call
// returned. The returned cursor is "" on the last page.
func (t *Table) Page(
	ctx context.Context, index, pkName, pk string, descending bool, limit int, cursor string,
) ([]Values, string, error) {
	start, err := decodeCursor(cursor, index, pkName, pk)
	if err != nil {
		return nil, "", err
	}
	in := &dynamodb.QueryInput{
		ScanIndexForward: aws.Bool(!descending), ExclusiveStartKey: start,
		KeyConditionExpression:    aws.String("#pk = :pk"),
		ExpressionAttributeNames:  map[string]string{"#pk": pkName},
		ExpressionAttributeValues: Values{":pk": String(pk)},
	}
	if index != "" {
		in.IndexName = &index
	}
	return t.page(ctx, in, limit)
}

// PageOf reads one page of the items of a partition whose sk begins with a prefix; see Page.
func (t *Table) PageOf(ctx context.Context, pk, prefix string, limit int, cursor string) ([]Values, string, error) {
	start, err := decodeCursor(cursor, "", "pk", pk)
	if err != nil {
		return nil, "", err
	}
	if start != nil && !strings.HasPrefix(keyOf(start)[1], prefix) { // DynamoDB refuses it
		return nil, "", fault.ErrCursor
	}
	return t.page(ctx, &dynamodb.QueryInput{
		ExclusiveStartKey: start, KeyConditionExpression: aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: Values{":pk": String(pk), ":prefix": String(prefix)},
	}, limit)
}

func (t *Table) page(ctx context.Context, in *dynamodb.QueryInput, limit int) ([]Values, string, error) {
	in.TableName, in.Limit = &t.Name, aws.Int32(int32(limit)) //nolint:gosec // 1 to 100
	res, err := t.Client.Query(ctx, in)
	if err != nil {
		return nil, "", err
	}
	next, err := encodeCursor(res.LastEvaluatedKey)
	return res.Items, next, err
}

func encodeCursor(key Values) (string, error) {
	if len(key) == 0 {
		return "", nil
	}
	plain := map[string]string{}
	for name, v := range key {
		s, ok := v.(*types.AttributeValueMemberS)
		if !ok {
			return "", fault.New(fault.Internal, "UnencodableCursor", "key attribute %s is not a string", name)
		}
		plain[name] = s.Value
	}
	return Cursor(plain), nil
}

// Cursor returns the cursor of the page after a key, which has string attributes only: those of the
// table and those of the index.
func Cursor(key map[string]string) string {
	b, _ := json.Marshal(key) // strings can be encoded
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor refuses a cursor of another partition: clients send cursors, and one customer must
// not read another's items. It also refuses other attributes than the keys, which DynamoDB would
// reject.
func decodeCursor(cursor, index, pkName, pk string) (Values, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, fault.ErrCursor
	}
	var plain map[string]string
	if json.Unmarshal(b, &plain) != nil || plain[pkName] != pk {
		return nil, fault.ErrCursor
	}
	names := []string{"pk", "sk"}
	if index != "" {
		names = append(names, index+"Pk", index+"Sk")
	}
	if len(plain) != len(names) {
		return nil, fault.ErrCursor
	}
	key := Values{}
	for _, name := range names {
		if plain[name] == "" {
			return nil, fault.ErrCursor
		}
		key[name] = String(plain[name])
	}
	return key, nil
}

// Package tables creates tables as templates declare them, and looks at those that exist.
package tables

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/ddb"
)

// Table says how a table is created.
type Table struct {
	ID         string // in its template
	Create     dynamodb.CreateTableInput
	TimeToLive string // attribute; "" for none
}

// Declared returns the tables of a stack. A table without a name in the template is named by the
// prefix and its id.
func Declared(stack *cfn.Stack, prefix string) ([]Table, error) {
	var all []Table
	for _, id := range stack.OfType("AWS::DynamoDB::Table") {
		var p struct {
			TableName, BillingMode  string
			AttributeDefinitions    []types.AttributeDefinition
			KeySchema               []types.KeySchemaElement
			GlobalSecondaryIndexes  []types.GlobalSecondaryIndex
			StreamSpecification     *types.StreamSpecification
			TimeToLiveSpecification struct{ AttributeName string }
		}
		text, err := json.Marshal(stack.Properties(id))
		if err == nil {
			err = json.Unmarshal(text, &p)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		if p.StreamSpecification != nil {
			p.StreamSpecification.StreamEnabled = aws.Bool(true)
		}
		name := cmp.Or(p.TableName, prefix+"-"+strings.ToLower(strings.TrimSuffix(id, "Table")))
		all = append(all, Table{ID: id, TimeToLive: p.TimeToLiveSpecification.AttributeName,
			Create: dynamodb.CreateTableInput{
				TableName: &name, BillingMode: types.BillingMode(p.BillingMode),
				AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema,
				GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, StreamSpecification: p.StreamSpecification,
			}})
	}
	return all, nil
}

// OwnID is the ID of the table that Own returns.
const OwnID = "Own"

// Own returns the table of a process itself, which has the index of open executions.
func Own(name string) Table {
	const openPK, openSK = ddb.OpenIndex + "Pk", ddb.OpenIndex + "Sk"
	t := Table{ID: OwnID, TimeToLive: "expiresAt", Create: dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: schema("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String(ddb.OpenIndex), KeySchema: schema(openPK, openSK),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}}
	for _, name := range []string{"pk", "sk", openPK, openSK} {
		t.Create.AttributeDefinitions = append(t.Create.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	return t
}

func schema(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &pk, KeyType: types.KeyTypeHash}, {AttributeName: &sk, KeyType: types.KeyTypeRange},
	}
}

// ErrMissing is the error of Open if there is no such table.
var ErrMissing = errors.New("there is no such table")

// Open returns the ARN of a table's stream, "" if it has none.
func Open(ctx context.Context, client *dynamodb.Client, name string) (stream string, err error) {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Table.LatestStreamArn), nil
}

// creation bounds the wait for a new table.
const creation = 2 * time.Minute

// Create creates a table, and returns when it can be used. It is not an error if another process
// creates it at the same time.
func Create(ctx context.Context, client *dynamodb.Client, t Table) error {
	name := aws.ToString(t.Create.TableName)
	var made *types.ResourceInUseException
	if _, err := client.CreateTable(ctx, &t.Create); err != nil && !errors.As(err, &made) {
		return err
	}
	about := &dynamodb.DescribeTableInput{TableName: &name}
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay = 50 * time.Millisecond // emulators create it quickly
	})
	if err := waiter.Wait(ctx, about, creation); err != nil || t.TimeToLive == "" {
		return err
	}
	_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &name, TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: &t.TimeToLive, Enabled: aws.Bool(true),
		},
	})
	return err
}

// Package ddb is what the services' DynamoDB stores stand on: one table a service
// with the keys pk and sk, and one way to write to it, Commit, which puts the
// business change, barrier, idempotency record and outbox into one TransactWriteItems.
//
// Besides a service's own items a table holds:
//
//	pk                 sk              what
//	barrier#<saga>     <step>#<phase>  a record of package barrier, for 90 days
//	reply#<scope>      <key>           a record of package idempotency, for 24 hours
//	outbox#<0..7>      <event id>      an event until it is published
//	circuit#<name>     state           the circuit of a dependency; see package resilience
package ddb

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
)

// Values is an item or a set of expression values.
type Values = map[string]types.AttributeValue

// Table is one service's table.
type Table struct {
	Client *dynamodb.Client
	Name   string
	Clock  clock.Clock
}

// Open returns the table called name.
func Open(cfg aws.Config, name string, c clock.Clock) *Table {
	return &Table{Client: dynamodb.NewFromConfig(cfg), Name: name, Clock: c}
}

// Key makes a primary key.
func Key(pk, sk string) Values { return Values{"pk": String(pk), "sk": String(sk)} }

// String makes a string attribute.
func String(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Get reads one item consistently into out; where there is none it fails with missing.
func (t *Table) Get(ctx context.Context, pk, sk string, out any, missing error) error {
	if ok, err := t.Find(ctx, pk, sk, out); err != nil || ok {
		return err
	}
	return missing
}

// Find reads one item consistently into out; false where there is none.
func (t *Table) Find(ctx context.Context, pk, sk string, out any) (bool, error) {
	res, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.Name, Key: Key(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil || len(res.Item) == 0 {
		return false, err
	}
	return true, attributevalue.UnmarshalMap(res.Item, out)
}

// ProbeKey is the pk and sk of an item that is never there, by which Reach asks.
const ProbeKey = "health"

// Reach returns nil if the table answers reads, which it shows by one: a description of it would
// also come where it cannot be read.
func (t *Table) Reach(ctx context.Context) error {
	_, err := t.Find(ctx, ProbeKey, ProbeKey, &struct{}{})
	return err
}

// GetAll reads up to 100 items consistently; missing ones are left out. It asks
// again for keys that DynamoDB left unprocessed until ctx ends.
func (t *Table) GetAll(ctx context.Context, keys []Values) ([]Values, error) {
	var items []Values
	for len(keys) > 0 {
		res, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			t.Name: {Keys: keys, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return nil, err
		}
		items = append(items, res.Responses[t.Name]...)
		keys = res.UnprocessedKeys[t.Name].Keys
	}
	return items, nil
}

// FromEnv returns the table of a function's service, TABLE_NAME.
func FromEnv(env *function.Env) *Table {
	return Open(env.AWS(), env.Require("TABLE_NAME"), env.Clock)
}

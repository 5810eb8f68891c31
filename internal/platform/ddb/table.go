// Package ddb is the basis of the services' DynamoDB stores. Each service has one table with the
// keys pk and sk. Commit writes the business change, its barrier and idempotency records and its
// events, all or nothing: by one conditional write if one item carries them, else by one
// TransactWriteItems.
//
// An item of the service can have these attributes besides its own:
//
//	step#<step>#<phase>  a record of package barrier, in the saga's host; see Hosting
//	outbox               the events of the item's last write; see package outbox
//	expiresAt            when DynamoDB may delete the item; see Versioned.Retention
//	token                names the item's last write, if that was single and had a condition
//
// Besides the service's own items a table holds:
//
//	pk                 sk              what
//	barrier#<saga>     <step>#<phase>  a record of package barrier without a host, for 90 days
//	reply#<scope>      <key>           a record of package idempotency, for 24 hours
//	outbox#<0..7>      <event id>      an event without a change, until it is published
//	aside#<0..7>       <event id>      an event that could not be published, until a sweep does it
//	relay              heartbeat       written by each sweep, deleted by the relay
//	circuit#<name>     state           the circuit of a dependency; see package resilience
//
// The previous release kept all records under barrier# and all events under outbox#. Such records
// are read, too.
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
	// Previous makes writes readable by the previous release; see join.
	Previous bool

	hosts func(saga string) (pk, sk string)
}

// Open returns the table called name.
func Open(cfg aws.Config, name string, c clock.Clock) *Table {
	return &Table{Client: dynamodb.NewFromConfig(cfg), Name: name, Clock: c}
}

// Key returns a primary key.
func Key(pk, sk string) Values { return Values{"pk": String(pk), "sk": String(sk)} }

// String returns a string attribute.
func String(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Get reads one item consistently into out. If the item does not exist, it returns missing.
func (t *Table) Get(ctx context.Context, pk, sk string, out any, missing error) error {
	if ok, err := t.Find(ctx, pk, sk, out); err != nil || ok {
		return err
	}
	return missing
}

// Find reads one item consistently into out. It returns false if the item does not exist.
func (t *Table) Find(ctx context.Context, pk, sk string, out any) (bool, error) {
	res, err := t.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &t.Name, Key: Key(pk, sk), ConsistentRead: aws.Bool(true),
	})
	if err != nil || len(res.Item) == 0 {
		return false, err
	}
	return true, attributevalue.UnmarshalMap(res.Item, out)
}

// ProbeKey is the pk and sk of the item that Reach reads. It never exists.
const ProbeKey = "health"

// Reach returns nil if the table can be read. It reads an item, because DescribeTable may succeed
// where reads fail.
func (t *Table) Reach(ctx context.Context) error {
	_, err := t.Find(ctx, ProbeKey, ProbeKey, &struct{}{})
	return err
}

// GetAll reads up to 100 items consistently; missing ones are left out. It retries unprocessed keys
// until ctx ends.
func (t *Table) GetAll(ctx context.Context, keys []Values) ([]Values, error) {
	return t.getAll(ctx, keys, true)
}

// GetAllEventually is GetAll with eventually consistent reads, which cost half as much.
func (t *Table) GetAllEventually(ctx context.Context, keys []Values) ([]Values, error) {
	return t.getAll(ctx, keys, false)
}

func (t *Table) getAll(ctx context.Context, keys []Values, consistent bool) ([]Values, error) {
	var items []Values
	for len(keys) > 0 {
		request := types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(consistent)}
		res, err := t.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{t.Name: request},
		})
		if err != nil {
			return nil, err
		}
		items = append(items, res.Responses[t.Name]...)
		keys = res.UnprocessedKeys[t.Name].Keys
	}
	return items, nil
}

// DecodeAll returns items as values of their shape, or the error of the read.
func DecodeAll[I any](items []Values, err error) (all []I, _ error) {
	if err == nil {
		err = attributevalue.UnmarshalListOfMaps(items, &all)
	}
	return all, err
}

// FromEnv returns the table TABLE_NAME.
func FromEnv(env *function.Env) *Table {
	t := Open(env.AWS(), env.Require("TABLE_NAME"), env.Clock)
	t.Previous = env.Optional("STORED_FORM") == "previous"
	return t
}

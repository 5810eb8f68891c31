// Package dynamo is the old shop's store in DynamoDB. The table holds:
//
//	pk                   sk                what
//	orders#<customer>    <number, padded>  an order
//	receipts#<customer>  <request id>      the receipt of a request
//	customer#<customer>  customer          says that the customer has been welcomed
//	numbers              numbers           how many numbers of orders are taken
package dynamo

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/sandbox/legacy"
)

type order struct {
	Customer   string    `dynamodbav:"customer"`
	Number     int64     `dynamodbav:"number"`
	State      string    `dynamodbav:"state"`
	Lines      []line    `dynamodbav:"lines" write:"once"`
	PlacedAt   time.Time `dynamodbav:"placedAt"`
	CancelNote string    `dynamodbav:"cancelNote,omitempty"`
	Version    int64     `dynamodbav:"version"`
}

type line struct {
	ProductID string `dynamodbav:"productId"`
	Quantity  int    `dynamodbav:"quantity"`
	Cents     int64  `dynamodbav:"cents"`
}

type receipt struct {
	RequestID string `dynamodbav:"requestId"`
	Hash      string `dynamodbav:"hash"`
	Number    int64  `dynamodbav:"number"`
}

type customer struct {
	Customer string `dynamodbav:"customer"`
}

func fromDomain(o legacy.Order) order {
	item := order{
		Customer: o.Customer, Number: o.Number, State: string(o.State), PlacedAt: o.PlacedAt, CancelNote: o.CancelNote,
		Version: o.Version,
	}
	for _, l := range o.Lines {
		item.Lines = append(item.Lines, line(l))
	}
	return item
}

func (item order) domain() legacy.Order {
	o := legacy.Order{
		Customer: item.Customer, Number: item.Number, State: legacy.State(item.State), PlacedAt: item.PlacedAt,
		CancelNote: item.CancelNote, Version: item.Version,
	}
	for _, l := range item.Lines {
		o.Lines = append(o.Lines, legacy.Line(l))
	}
	return o
}

const ordersOf = "orders#"

var orderItems = ddb.Versioned[legacy.Order, order]{
	Key: func(id string) (pk, sk string) {
		cut := strings.LastIndexByte(id, '#')
		return ordersOf + id[:cut], id[cut+1:]
	},
	Missing: legacy.ErrNoOrder, Encode: fromDomain,
	Decode: func(item order, _ string) legacy.Order { return item.domain() },
}

// Store implements legacy.Store.
type Store struct{ *ddb.Table }

// Numbers takes n numbers. Those whose order is not written are never used.
func (s Store) Numbers(ctx context.Context, n int64) (first int64, err error) {
	out, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.Name, Key: ddb.Key("numbers", "numbers"), UpdateExpression: aws.String("ADD taken :n"),
		ExpressionAttributeValues: ddb.Values{":n": ddb.Number(n)}, ReturnValues: types.ReturnValueUpdatedNew,
	})
	if err != nil {
		return 0, err
	}
	var item struct {
		Taken int64 `dynamodbav:"taken"`
	}
	err = attributevalue.UnmarshalMap(out.Attributes, &item)
	return legacy.FirstNumber + item.Taken - n, err
}

func customerKey(name string) (pk, sk string) { return "customer#" + name, "customer" }

// Known reports whether a customer has been welcomed.
func (s Store) Known(ctx context.Context, name string) (bool, error) {
	pk, sk := customerKey(name)
	return s.Find(ctx, pk, sk, &customer{})
}

// Welcome stores a customer with their orders.
func (s Store) Welcome(ctx context.Context, name string, before []legacy.Order) error {
	pk, sk := customerKey(name)
	ops := []ddb.Op{s.SaveNew(pk, sk, customer{name}, fault.ErrLostRace)}
	for _, o := range before {
		ops = append(ops, orderItems.Next(s.Table, o))
	}
	return s.Commit(ctx, commit.With{}, ops...)
}

// Order reads an order.
func (s Store) Order(ctx context.Context, name string, number int64) (legacy.Order, error) {
	id, _ := legacy.Order{Customer: name, Number: number}.Identity()
	return orderItems.Get(ctx, s.Table, id)
}

// maxItems is how many items one query reads.
const maxItems = 100

// Orders reads the newest orders. The read is eventually consistent.
func (s Store) Orders(ctx context.Context, name string, limit int) (found []legacy.Order, err error) {
	for cursor := ""; ; {
		var items []ddb.Values
		items, cursor, err = s.Page(ctx, "", "pk", ordersOf+name, true, min(limit-len(found), maxItems), cursor)
		page, err := ddb.DecodeAll[order](items, err)
		if err != nil {
			return nil, err
		}
		for _, item := range page {
			found = append(found, item.domain())
		}
		if cursor == "" || len(found) == limit {
			return found, nil
		}
	}
}

const receiptsOf = "receipts#"

// Receipt reads a receipt.
func (s Store) Receipt(ctx context.Context, name, requestID string) (r legacy.Receipt, ok bool, err error) {
	var item receipt
	ok, err = s.Find(ctx, receiptsOf+name, requestID, &item)
	return legacy.Receipt(item), ok, err
}

// Place stores an order and its receipt.
func (s Store) Place(ctx context.Context, o legacy.Order, r legacy.Receipt) error {
	once := s.SaveNew(receiptsOf+o.Customer, r.RequestID, receipt(r), fault.ErrLostRace)
	return s.Commit(ctx, commit.With{}, once, orderItems.Next(s.Table, o))
}

// Write writes an order, conditional on its version.
func (s Store) Write(ctx context.Context, o legacy.Order) error {
	return orderItems.Save(ctx, s.Table, o, commit.With{})
}

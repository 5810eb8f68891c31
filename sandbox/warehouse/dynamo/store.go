// Package dynamo is the warehouse's books in DynamoDB. The sandbox's ledger table holds:
//
//	pk                     sk     what
//	warehouse-entry#<id>   entry  a document
//	warehouse-stock#<sku>  stock  how many units there are of a product
package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/sandbox/warehouse"
)

// Store implements warehouse.Store.
type Store struct{ *ddb.Table }

type entry struct {
	MessageID string `dynamodbav:"messageId"`
	Message   string `dynamodbav:"message"`
	Moves     []move `dynamodbav:"moves" write:"once"`
}

type move struct {
	SKU      string `dynamodbav:"sku"`
	Quantity int    `dynamodbav:"quantity"`
}

const (
	entryOf = "warehouse-entry#"
	entrySK = "entry"
	stockOf = "warehouse-stock#"
	stockSK = "stock"
)

// Entry reads a document.
func (s Store) Entry(ctx context.Context, id string) (warehouse.Entry, error) {
	var item entry
	if err := s.Get(ctx, entryOf+id, entrySK, &item, warehouse.ErrNoEntry); err != nil {
		return warehouse.Entry{}, err
	}
	e := warehouse.Entry{ID: id, MessageID: item.MessageID, Message: item.Message}
	for _, m := range item.Moves {
		e.Moves = append(e.Moves, warehouse.Line(m))
	}
	return e, nil
}

// Book writes a document and its moves in one transaction.
func (s Store) Book(ctx context.Context, e warehouse.Entry, unless string) error {
	item := entry{MessageID: e.MessageID, Message: e.Message, Moves: []move{}}
	for _, l := range e.Moves {
		item.Moves = append(item.Moves, move(l))
	}
	ops := []ddb.Op{s.SaveNew(entryOf+e.ID, entrySK, item, fault.ErrLostRace)}
	if unless != "" {
		ops = append(ops, s.CheckIf(entryOf+unless, entrySK, fault.ErrLostRace, "attribute_not_exists(pk)", nil))
	}
	for _, l := range e.Moves {
		ops = append(ops, ddb.Op{Write: types.TransactWriteItem{Update: &types.Update{
			TableName: &s.Name, Key: ddb.Key(stockOf+l.SKU, stockSK), UpdateExpression: aws.String("ADD onHand :n"),
			ExpressionAttributeValues: ddb.Values{":n": ddb.Number(int64(l.Quantity))},
		}}})
	}
	return s.Commit(ctx, commit.With{}, ops...)
}

// OnHand reads the stock of a product.
func (s Store) OnHand(ctx context.Context, sku string) (int, error) {
	var item struct {
		OnHand int `dynamodbav:"onHand"`
	}
	_, err := s.Find(ctx, stockOf+sku, stockSK, &item)
	return item.OnHand, err
}

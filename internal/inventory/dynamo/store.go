// Package dynamo is inventory's store in DynamoDB. Besides the items of package ddb, the table
// holds:
//
//	pk               sk           what
//	stock#<sku>      stock        the three buckets of a product; available stock is called onHand
//	product#<sku>    product      a product of the catalog
//	order#<orderId>  reservation  an order's reservation; in the index open while RESERVED
package dynamo

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
)

// Store implements inventory.Store.
type Store struct{ *ddb.Table }

// Stock reads the stock of a product.
func (s Store) Stock(ctx context.Context, sku string) (inventory.Stock, error) {
	var item struct {
		Available int `dynamodbav:"onHand"`
		Reserved  int `dynamodbav:"reserved"`
		Shipped   int `dynamodbav:"shipped"`
	}
	if err := s.Get(ctx, "stock#"+sku, "stock", &item, inventory.ErrNoStock); err != nil {
		return inventory.Stock{}, err
	}
	return inventory.Stock{SKU: sku, Available: item.Available, Reserved: item.Reserved, Shipped: item.Shipped}, nil
}

// Product looks for the item that LearnProduct writes.
func (s Store) Product(ctx context.Context, sku string) (bool, error) {
	err := s.Get(ctx, "product#"+sku, "product", &struct{}{}, errNoProduct)
	if errors.Is(err, errNoProduct) {
		return false, nil
	}
	return err == nil, err
}

var errNoProduct = errors.New("inventory: no such product")

type product struct {
	SKU string `dynamodbav:"sku"`
}

// LearnProduct writes the product's item.
func (s Store) LearnProduct(ctx context.Context, sku string) error {
	return s.Commit(ctx, commit.With{}, s.Save("product#"+sku, "product", product{SKU: sku}))
}

// Reservation reads an order's reservation.
func (s Store) Reservation(ctx context.Context, orderID string) (inventory.Reservation, error) {
	return reservationItems.Get(ctx, s.Table, orderID)
}

// Move moves the lines between two buckets and writes the reservation, in one transaction.
func (s Store) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	ops := []ddb.Op{reservationItems.Next(s.Table, r)}
	for _, l := range r.Items {
		ops = append(ops, s.move(l.SKU, l.Quantity, from, to))
	}
	return s.Commit(ctx, with, ops...)
}

// attributes maps buckets to attributes. Available stock is in onHand for historical reasons: an
// attribute cannot change its meaning while old and new versions write it side by side.
var attributes = map[inventory.Bucket]string{
	inventory.Available: "onHand", inventory.Reserved: "reserved", inventory.Shipped: "shipped",
}

func (s Store) move(sku string, quantity int, from, to inventory.Bucket) ddb.Op {
	return ddb.Op{Refused: inventory.ErrOutOfStock, Write: types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Name, Key: ddb.Key("stock#"+sku, "stock"),
		ConditionExpression:       aws.String("#from >= :q"),
		UpdateExpression:          aws.String("SET #from = #from - :q, #to = #to + :q"),
		ExpressionAttributeNames:  map[string]string{"#from": attributes[from], "#to": attributes[to]},
		ExpressionAttributeValues: ddb.Values{":q": ddb.Number(int64(quantity))},
	}}}
}

// Adjust changes the available stock. It creates the product's item if there is none.
func (s Store) Adjust(ctx context.Context, before inventory.Stock, delta int, with commit.With) error {
	condition := "onHand = :before AND reserved = :reserved AND shipped = :shipped"
	if before == (inventory.Stock{SKU: before.SKU}) {
		condition = "attribute_not_exists(pk) OR " + condition
	}
	return s.Commit(ctx, with, ddb.Op{Refused: fault.ErrLostRace, Write: types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Name, Key: ddb.Key("stock#"+before.SKU, "stock"),
		ConditionExpression: &condition,
		UpdateExpression:    aws.String("SET onHand = :after, reserved = :reserved, shipped = :shipped"),
		ExpressionAttributeValues: ddb.Values{
			":before": ddb.Number(int64(before.Available)), ":after": ddb.Number(int64(before.Available + delta)),
			":reserved": ddb.Number(int64(before.Reserved)), ":shipped": ddb.Number(int64(before.Shipped)),
		},
	}}})
}

// Overdue finds reservations in the index and reads each from the table, since the index is
// eventually consistent.
func (s Store) Overdue(ctx context.Context, before time.Time) ([]inventory.Reservation, error) {
	var overdue []inventory.Reservation
	err := s.EachOpen(ctx, before, func(pk string) error {
		r, err := s.Reservation(ctx, strings.TrimPrefix(pk, "order#"))
		if err == nil && r.Status == inventory.StatusReserved && r.UpdatedAt.Before(before) {
			overdue = append(overdue, r)
		}
		return err
	})
	return overdue, err
}

// Reservations reads reservations in one batch.
func (s Store) Reservations(ctx context.Context, orderIDs []string) ([]inventory.Reservation, error) {
	return reservationItems.GetMany(ctx, s.Table, orderIDs)
}

// Package dynamo is inventory's store in DynamoDB. Besides the items of package ddb, the table
// holds:
//
//	pk               sk           what
//	stock#<sku>      stock        a product's shard 0: the three buckets, of which available is
//	                              called onHand, and the number of shards if there are more
//	shard#<n>#<sku>  stock        another shard of the product
//	product#<sku>    product      a product of the catalog
//	order#<orderId>  reservation  an order's reservation; in the index open while RESERVED
package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// Open returns the store in a table.
func Open(t *ddb.Table) Store { return Store{t.Hosting(reservationItems.Key)} }

type shard struct {
	PK        string `dynamodbav:"pk"`
	Available int    `dynamodbav:"onHand"`
	Reserved  int    `dynamodbav:"reserved"`
	Shipped   int    `dynamodbav:"shipped"`
	Gains     int64  `dynamodbav:"gains"`
	Count     int    `dynamodbav:"shards"`
}

func (item shard) domain(sku string) inventory.Shard {
	stock := inventory.Stock{SKU: sku, Available: item.Available, Reserved: item.Reserved, Shipped: item.Shipped}
	return inventory.Shard{Stock: stock, Gains: item.Gains}
}

func shardKey(sku string, n int) ddb.Values {
	if n == 0 {
		return ddb.Key("stock#"+sku, "stock")
	}
	return ddb.Key("shard#"+strconv.Itoa(n)+"#"+sku, "stock")
}

// Shards reads shard 0 of a product and, if it is split, the others in one batch.
func (s Store) Shards(ctx context.Context, sku string) ([]inventory.Shard, error) {
	var root shard
	if err := s.Get(ctx, "stock#"+sku, "stock", &root, inventory.ErrNoStock); err != nil {
		return nil, err
	}
	shards := make([]inventory.Shard, max(1, root.Count))
	shards[0] = root.domain(sku)
	places := map[string]int{}
	var keys []ddb.Values
	for n := 1; n < len(shards); n++ {
		keys = append(keys, shardKey(sku, n))
		places[pk(keys[n-1])] = n
	}
	items, err := ddb.DecodeAll[shard](s.GetAll(ctx, keys))
	for _, item := range items {
		shards[places[item.PK]] = item.domain(sku)
	}
	return shards, err
}

func pk(key ddb.Values) string { return key["pk"].(*types.AttributeValueMemberS).Value }

// CountAvailable reads shard 0 of all products in one batch. It reads the other shards only of the
// split products whose shard 0 has too few.
func (s Store) CountAvailable(ctx context.Context, skus []string, enough int) (map[string]int, error) {
	found, of := map[string]int{}, map[string]string{}
	var keys []ddb.Values
	for _, sku := range skus {
		keys = append(keys, shardKey(sku, 0))
		of[pk(keys[len(keys)-1])] = sku
	}
	roots, err := ddb.DecodeAll[shard](s.GetAllEventually(ctx, keys))
	if err != nil {
		return nil, err
	}
	var more []ddb.Values
	for _, root := range roots {
		sku := of[root.PK]
		found[sku] = root.Available
		for n := 1; n < root.Count && root.Available < enough; n++ {
			more = append(more, shardKey(sku, n))
			of[pk(more[len(more)-1])] = sku
		}
	}
	for keys := range slices.Chunk(more, 100) {
		shards, err := ddb.DecodeAll[shard](s.GetAllEventually(ctx, keys))
		if err != nil {
			return nil, err
		}
		for _, shard := range shards {
			found[of[shard.PK]] += shard.Available
		}
	}
	return found, nil
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

// Move moves the parts between two buckets and writes the reservation, in one transaction.
func (s Store) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	ops := []ddb.Op{reservationItems.Next(s.Table, r)}
	for _, p := range r.Held() {
		ops = append(ops, s.move(p, from, to))
	}
	return s.Commit(ctx, with, ops...)
}

// attributes maps buckets to attributes. Available stock is in onHand for historical reasons: an
// attribute cannot change its meaning while old and new versions write it side by side.
var attributes = map[inventory.Bucket]string{
	inventory.Available: "onHand", inventory.Reserved: "reserved", inventory.Shipped: "shipped",
}

func (s Store) move(p inventory.Part, from, to inventory.Bucket) ddb.Op {
	expression, values := "SET #from = #from - :q, #to = #to + :q", ddb.Values{":q": ddb.Number(int64(p.Quantity))}
	if to == inventory.Available {
		expression += gains(values)
	}
	op := ddb.Op{
		Refused: &inventory.Blocked{SKU: p.SKU, Err: inventory.ErrOutOfStock},
		Write: types.TransactWriteItem{Update: &types.Update{
			TableName: &s.Name, Key: shardKey(p.SKU, p.Shard),
			ConditionExpression:       aws.String("#from >= :q"),
			UpdateExpression:          &expression,
			ExpressionAttributeNames:  map[string]string{"#from": attributes[from], "#to": attributes[to]},
			ExpressionAttributeValues: values,
		}},
	}
	if from == inventory.Available { // other shards would do
		op.Busy = &inventory.Blocked{SKU: p.SKU, Err: inventory.ErrContended}
	}
	return op
}

// gains returns the part of an expression that counts a shard's gain.
func gains(values ddb.Values) string {
	values[":one"], values[":zero"] = ddb.Number(1), ddb.Number(0)
	return ", gains = if_not_exists(gains, :zero) + :one"
}

// Adjust replaces the shards. It creates the items that do not exist, and keeps empty ones.
func (s Store) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	sku := after[0].SKU
	var ops []ddb.Op
	for n := range max(len(before), len(after)) {
		expected, next := inventory.ShardAt(before, n, sku), inventory.ShardAt(after, n, sku)
		condition := "onHand = :before AND reserved = :beforeReserved AND shipped = :beforeShipped AND " +
			unchanged(expected)
		if expected == inventory.ShardAt(nil, n, sku) {
			condition = "attribute_not_exists(pk) OR (" + condition + ")"
		}
		values := ddb.Values{
			":before": ddb.Number(int64(expected.Available)), ":beforeReserved": ddb.Number(int64(expected.Reserved)),
			":beforeShipped": ddb.Number(int64(expected.Shipped)), ":gains": ddb.Number(expected.Gains),
			":after": ddb.Number(int64(next.Available)), ":reserved": ddb.Number(int64(next.Reserved)),
			":shipped": ddb.Number(int64(next.Shipped)),
		}
		expression := "SET onHand = :after, reserved = :reserved, shipped = :shipped" + gains(values)
		ops = append(ops, s.adjust(sku, n, condition, expression+counted(n, before, after, values), values))
	}
	return s.Commit(ctx, with, ops...)
}

// Shift adds the differences. It creates the items that do not exist.
func (s Store) Shift(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	sku := after[0].SKU
	var ops []ddb.Op
	for n := range after {
		expected := inventory.ShardAt(before, n, sku)
		if n > 0 && after[n].Stock == expected.Stock {
			continue
		}
		values := ddb.Values{}
		var sets, conditions []string
		for _, bucket := range inventory.Buckets {
			name, change := attributes[bucket], after[n].In(bucket)-expected.In(bucket)
			sets = append(sets, fmt.Sprintf("%[1]s = if_not_exists(%[1]s, :zero) + :%[1]s", name))
			values[":"+name] = ddb.Number(int64(change))
			if change < 0 {
				values[":least"+name] = ddb.Number(int64(-change))
				conditions = append(conditions, name+" >= :least"+name)
			}
		}
		if n == 0 {
			values[":gains"] = ddb.Number(expected.Gains)
			conditions = append(conditions, unchanged(expected))
		}
		expression := "SET " + strings.Join(sets, ", ") + gains(values) + counted(n, before, after, values)
		ops = append(ops, s.adjust(sku, n, strings.Join(conditions, " AND "), expression, values))
	}
	return s.Commit(ctx, with, ops...)
}

func (s Store) adjust(sku string, n int, condition, expression string, values ddb.Values) ddb.Op {
	update := &types.Update{
		TableName: &s.Name, Key: shardKey(sku, n), UpdateExpression: &expression, ExpressionAttributeValues: values,
	}
	if condition != "" {
		update.ConditionExpression = &condition
	}
	return ddb.Op{
		Refused: fault.ErrLostRace, Busy: inventory.ErrContended, Write: types.TransactWriteItem{Update: update},
	}
}

// unchanged is the condition that a shard has the gains it was read with. An item from before gains
// were counted has none.
func unchanged(expected inventory.Shard) string {
	if expected.Gains == 0 {
		return "(attribute_not_exists(gains) OR gains = :gains)"
	}
	return "gains = :gains"
}

// counted returns the part of an expression that keeps the number of shards in shard 0, and shard 0
// in the index while there are several.
func counted(n int, before, after []inventory.Shard, values ddb.Values) string {
	if n > 0 || len(after) == max(1, len(before)) {
		return ""
	}
	values[":shards"] = ddb.Number(int64(len(after)))
	if len(after) == 1 {
		return ", shards = :shards REMOVE openPk, openSk"
	}
	open := ddb.OpenSince(after[0].SKU, split)
	values[":openPk"], values[":openSk"] = ddb.String(open.PK), ddb.String(open.SK)
	return ", shards = :shards, openPk = :openPk, openSk = :openSk"
}

// split is since when a split product is in the index: always, since its age does not matter.
var split = time.Unix(0, 0)

// Split finds the products in the index.
func (s Store) Split(ctx context.Context) (skus []string, err error) {
	err = s.EachOpen(ctx, split.Add(time.Second), func(pk string) error {
		skus = append(skus, strings.TrimPrefix(pk, "stock#"))
		return nil
	})
	return skus, err
}

// Overdue finds reservations in the index and reads each from the table, since the index is
// eventually consistent.
func (s Store) Overdue(ctx context.Context, before time.Time) ([]inventory.Reservation, error) {
	var overdue []inventory.Reservation
	err := s.EachOpen(ctx, before, func(pk string) error {
		id, found := strings.CutPrefix(pk, "order#")
		if !found {
			return nil // a split product
		}
		r, err := s.Reservation(ctx, id)
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

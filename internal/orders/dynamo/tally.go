package dynamo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
)

// tally is a customer's item. The open orders are a set of ids, so removing one twice does no harm
// and there is no count that could be wrong. The declines are a list, newest first, so that a
// condition can check the one at the limit. The item takes the events of the order: with them, the
// order itself or the record of its request would exceed a KB and cost twice as much.
type tally struct {
	Open     []string `dynamodbav:"orders,stringset,omitempty"`
	Declines []int64  `dynamodbav:"declines,omitempty"` // in milliseconds since 1970
}

func tallyKey(customerID string) ddb.Values { return ddb.Key("customer#"+customerID, "tally") }

// PlaceOrder writes a new order and adds its id to the tally. The limits are a condition of the
// write, so nothing is read before.
func (s Store) PlaceOrder(ctx context.Context, o orders.Order, limits orders.Limits, with commit.With) error {
	last := fmt.Sprintf("#declines[%d]", limits.Declines-1)
	add := types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Name, Key: tallyKey(o.CustomerID),
		UpdateExpression: aws.String("ADD #orders :id"),
		ConditionExpression: aws.String("(attribute_not_exists(#orders) OR size(#orders) < :most)" +
			" AND (attribute_not_exists(" + last + ") OR " + last + " <= :since)"),
		ExpressionAttributeNames: map[string]string{"#orders": "orders", "#declines": "declines"},
		ExpressionAttributeValues: ddb.Values{
			":id": set(o.OrderID), ":most": ddb.Number(int64(limits.Open)),
			":since": ddb.Number(limits.Since(o.CreatedAt).UnixMilli()),
		},
	}}
	tally := ddb.Op{Refused: orders.ErrAtLimit, Events: true, Write: add}
	return s.Commit(ctx, with, orderItems.Next(s.Table, o), tally)
}

// tallyEnd returns the write that tallies the end of an order. If the declines have changed since
// they were read, Commit fails with fault.ErrLostRace.
func (s Store) tallyEnd(ctx context.Context, o orders.Order) (ddb.Op, error) {
	if !o.CountsAsDecline() {
		return s.uncount(o.CustomerID, o.OrderID), nil
	}
	before, err := s.tally(ctx, o.CustomerID)
	if err != nil {
		return ddb.Op{}, err
	}
	update := s.uncount(o.CustomerID, o.OrderID)
	update.Refused = fault.ErrLostRace
	u := update.Write.Update
	u.UpdateExpression = aws.String("SET #declines = :after DELETE #orders :ids")
	u.ExpressionAttributeNames["#declines"] = "declines"
	u.ExpressionAttributeValues[":after"] = millis(before.domain().Declined(o.UpdatedAt))
	u.ConditionExpression = aws.String("attribute_not_exists(#declines)")
	if len(before.Declines) > 0 {
		u.ConditionExpression = aws.String("#declines = :before")
		u.ExpressionAttributeValues[":before"] = millis(before.domain().Declines)
	}
	return update, nil
}

// uncount returns the write that removes orders from a tally.
func (s Store) uncount(customerID string, orderIDs ...string) ddb.Op {
	return ddb.Op{Events: true, Write: types.TransactWriteItem{Update: &types.Update{
		TableName: &s.Name, Key: tallyKey(customerID),
		UpdateExpression:          aws.String("DELETE #orders :ids"),
		ExpressionAttributeNames:  map[string]string{"#orders": "orders"},
		ExpressionAttributeValues: ddb.Values{":ids": set(orderIDs...)},
	}}}
}

// Uncount removes final orders from a tally.
func (s Store) Uncount(ctx context.Context, customerID string, orderIDs []string) error {
	return s.Commit(ctx, commit.With{}, s.uncount(customerID, orderIDs...))
}

// Tally reads a customer's tally.
func (s Store) Tally(ctx context.Context, customerID string) (orders.Tally, error) {
	item, err := s.tally(ctx, customerID)
	return item.domain(), err
}

func (s Store) tally(ctx context.Context, customerID string) (tally, error) {
	var item tally
	_, err := s.Find(ctx, "customer#"+customerID, "tally", &item)
	return item, err
}

func (item tally) domain() orders.Tally {
	t := orders.Tally{Open: item.Open}
	slices.Sort(t.Open)
	for _, ms := range item.Declines {
		t.Declines = append(t.Declines, time.UnixMilli(ms).UTC())
	}
	return t
}

func set(ids ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: ids} }

func millis(times []time.Time) types.AttributeValue {
	list := make([]types.AttributeValue, len(times))
	for i, t := range times {
		list[i] = ddb.Number(t.UnixMilli())
	}
	return &types.AttributeValueMemberL{Value: list}
}

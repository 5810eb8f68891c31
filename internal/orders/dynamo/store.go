// Package dynamo is orders' store in DynamoDB. Besides the items of package ddb, the table has:
//
//	pk               sk     what
//	order#<orderId>  order  an order
//	price#<sku>      price  an entry of the price book
//	customer#<id>    tally  the customer's orders that are not final, and the times of declines
//	intake           intake since when no new orders are taken, until when, and why
//
// The index byCustomer has each order under customer#<customerId>, <orderId>. The index open has
// the PENDING orders, and in the partition attention those that need attention.
package dynamo

import (
	"context"
	"slices"
	"strings"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
)

// Index is the name of the index by customer.
const Index = "byCustomer"

// Store implements orders.Store.
type Store struct{ *ddb.Table }

// Open returns the store in a table.
func Open(t *ddb.Table) Store { return Store{t.Hosting(orderItems.Key)} }

// Order reads an order.
func (s Store) Order(ctx context.Context, orderID string) (orders.Order, error) {
	return orderItems.Get(ctx, s.Table, orderID)
}

// Orders reads a page of the index. It is sorted by order id, a ULID, and so by time. The index
// lags behind the table, so an order that was just placed may be missing.
func (s Store) Orders(
	ctx context.Context, customerID string, limit int, cursor string,
) (page []orders.Order, next string, err error) {
	items, next, err := s.Page(ctx, Index, Index+"Pk", "customer#"+customerID, true, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	page, err = decodeAll(items, order.domain)
	return page, next, err
}

// CursorAfter makes the key of an order in the index a cursor. The order need not exist.
func (s Store) CursorAfter(customerID, orderID string) string {
	pk, sk := orderItems.Key(orderID)
	return ddb.Cursor(map[string]string{
		"pk": pk, "sk": sk, Index + "Pk": "customer#" + customerID, Index + "Sk": orderID,
	})
}

// SaveOrder writes an order if its previous version is stored.
func (s Store) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if !o.Status.Final() {
		return s.Commit(ctx, with, orderItems.Next(s.Table, o))
	}
	tally, err := s.tallyEnd(ctx, o)
	if err != nil {
		return err
	}
	return s.Commit(ctx, with, orderItems.Next(s.Table, o), tally)
}

// attention is the partition of the index with the orders that need attention.
const attention = "attention"

// Waiting reads the orders in the index from the table, since the index lags behind.
func (s Store) Waiting(
	ctx context.Context, status orders.Status, before time.Time, limit int, cursor string,
) (page []orders.Order, next string, err error) {
	partitions := append(ddb.Shards("open#"), attention)
	switch status {
	case orders.StatusPending:
		partitions = ddb.Shards("open#")
	case orders.StatusNeedsAttention:
		partitions = []string{attention}
	}
	pks, next, err := s.OpenPage(ctx, partitions, before, limit, cursor)
	if err != nil || pks == nil {
		return nil, "", err
	}
	for i := range pks {
		pks[i] = strings.TrimPrefix(pks[i], "order#")
	}
	page, err = s.OrdersByID(ctx, pks)
	return slices.DeleteFunc(page, func(o orders.Order) bool { return !o.Waits(status) }), next, err
}

// OrdersByID reads orders in one batch.
func (s Store) OrdersByID(ctx context.Context, orderIDs []string) ([]orders.Order, error) {
	return orderItems.GetMany(ctx, s.Table, orderIDs)
}

// Overdue finds the orders in the index and reads each from the table, since the index lags behind.
func (s Store) Overdue(ctx context.Context, before time.Time) ([]orders.Order, error) {
	var overdue []orders.Order
	err := s.EachOpen(ctx, before, func(pk string) error {
		o, err := s.Order(ctx, strings.TrimPrefix(pk, "order#"))
		if err == nil && o.Status == orders.StatusPending {
			overdue = append(overdue, o)
		}
		return err
	})
	return overdue, err
}

// Quote reads a record, entries of the price book and the intake in one batch.
func (s Store) Quote(ctx context.Context, scope, key string, skus []string) (q orders.Quote, err error) {
	all := append(keys(skus, priceItems.Key), ddb.Key(intakeKey, intakeKey))
	var items []ddb.Values
	if q.Reply, q.Replayed, items, err = s.ReplyAnd(ctx, scope, key, all); err != nil {
		return q, err
	}
	if n := slices.IndexFunc(items, isIntake); n >= 0 {
		found, err := decodeAll(items[n:n+1], intake.domain)
		if err != nil {
			return q, err
		}
		q.Intake, items = found[0], slices.Delete(items, n, n+1)
	}
	prices, err := decodeAll(items, price.domain)
	if err != nil {
		return q, err
	}
	q.Prices = make(map[string]orders.Price, len(prices))
	for _, p := range prices {
		q.Prices[p.SKU] = p
	}
	return q, nil
}

// Price reads an entry of the price book.
func (s Store) Price(ctx context.Context, sku string) (orders.Price, error) {
	return priceItems.Get(ctx, s.Table, sku)
}

// SavePrice writes an entry if the version before is stored.
func (s Store) SavePrice(ctx context.Context, p orders.Price, before int64, with commit.With) error {
	return priceItems.SaveOver(ctx, s.Table, p, before, with)
}

func keys(ids []string, key func(id string) (pk, sk string)) []ddb.Values {
	all := make([]ddb.Values, len(ids))
	for i, id := range ids {
		all[i] = ddb.Key(key(id))
	}
	return all
}

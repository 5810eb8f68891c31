// Package dynamo is orders' store in DynamoDB. Beside what package ddb
// keeps, the table holds:
//
//	pk               sk     what
//	order#<orderId>  order  an order; in the index byCustomer under customer#<customerId>, <orderId>; while PENDING in the index open
//	price#<sku>      price  an entry of the price book
//	customer#<id>    tally  the customer's orders that are not final, and when payments were declined
package dynamo

import (
	"context"
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

// Order reads an order.
func (s Store) Order(ctx context.Context, orderID string) (orders.Order, error) {
	return orderItems.Get(ctx, s.Table, orderID)
}

// Orders reads a page of the index. An order id is a ULID, so the sort key is the order of placing.
// The index follows the table with a short delay: an order may be missing for a moment after it was
// placed.
func (s Store) Orders(ctx context.Context, customerID string, limit int, cursor string) ([]orders.Order, string, error) {
	items, next, err := s.Page(ctx, Index, Index+"Pk", "customer#"+customerID, true, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	page, err := decode[order](items)
	if err != nil {
		return nil, "", err
	}
	list := make([]orders.Order, len(page))
	for i, item := range page {
		list[i] = item.domain()
	}
	return list, next, nil
}

// SaveOrder writes an order on condition that the version before it is stored.
func (s Store) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if !o.Status.Final() {
		return s.Commit(ctx, with, orderItems.Next(s.Table, o))
	}
	tallied, err := s.ended(ctx, o)
	if err != nil {
		return err
	}
	return s.Commit(ctx, with, orderItems.Next(s.Table, o), tallied)
}

// OrdersByID reads orders in one batch.
func (s Store) OrdersByID(ctx context.Context, orderIDs []string) ([]orders.Order, error) {
	keys := make([]ddb.Values, len(orderIDs))
	for i, id := range orderIDs {
		keys[i] = ddb.Key("order#"+id, "order")
	}
	items, err := s.GetAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	all, err := decode[order](items)
	if err != nil {
		return nil, err
	}
	found := make([]orders.Order, len(all))
	for i, item := range all {
		found[i] = item.domain()
	}
	return found, nil
}

// Overdue looks the orders up in the index, and reads each again, since the index follows the table
// with a delay.
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

// Prices reads entries of the price book in one batch.
func (s Store) Prices(ctx context.Context, skus []string) (map[string]orders.Price, error) {
	keys := make([]ddb.Values, len(skus))
	for i, sku := range skus {
		keys[i] = ddb.Key("price#"+sku, "price")
	}
	items, err := s.GetAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	book, err := decode[price](items)
	if err != nil {
		return nil, err
	}
	found := make(map[string]orders.Price, len(book))
	for _, item := range book {
		p := item.domain()
		found[p.SKU] = p
	}
	return found, nil
}

// Price reads an entry of the price book.
func (s Store) Price(ctx context.Context, sku string) (orders.Price, error) {
	return priceItems.Get(ctx, s.Table, sku)
}

// SavePrice writes an entry on condition that the version before is stored.
func (s Store) SavePrice(ctx context.Context, p orders.Price, before int64, with commit.With) error {
	return priceItems.SaveOver(ctx, s.Table, p, before, with)
}

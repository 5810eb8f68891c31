// Package dynamo is catalog's store in DynamoDB. Besides the items of package ddb, the table holds:
//
//	pk               sk            what
//	products         <sku>         a product
//	words#<letter>   <word>#<sku>  an entry of the index: a word of a product's name, which begins
//	                               with the letter
//
// All products share a partition, so that a query lists them in order without an index. That limits
// throughput to 3000 read and 1000 write units a second: 3000 products read or 500 changed (a
// transaction counts double). DynamoDB splits a hot partition by its sort key, but slowly. Orders
// read their own price book instead. A shop with more traffic puts a cache in front.
package dynamo

import (
	"context"
	"slices"
	"strings"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
)

// Store implements catalog.Store.
type Store struct {
	ddb.Store[catalog.Product, product]
}

// Open returns the store in a table.
func Open(t *ddb.Table) Store {
	return Store{ddb.Store[catalog.Product, product]{Table: t, Kind: productItems}}
}

// GetMany reads products in one batch.
func (s Store) GetMany(ctx context.Context, skus []string) ([]catalog.Product, error) {
	return productItems.GetManyEventually(ctx, s.Table, skus)
}

// Products reads a page of products.
func (s Store) Products(ctx context.Context, limit int, cursor string) ([]catalog.Product, string, error) {
	values, next, err := s.Page(ctx, "", "pk", products, false, limit, cursor)
	items, err := ddb.DecodeAll[product](values, err)
	if err != nil {
		return nil, "", err
	}
	page := make([]catalog.Product, len(items))
	for i, item := range items {
		page[i] = item.domain(item.SKU)
	}
	return page, next, nil
}

// CursorAfter makes the key of a SKU a cursor. The product need not exist.
func (s Store) CursorAfter(sku string) string {
	return ddb.Cursor(map[string]string{"pk": products, "sk": sku})
}

// Save writes the product and the entries that differ in one transaction. A change that leaves the
// words as they are writes the product only.
func (s Store) Save(ctx context.Context, before, after catalog.Product, with commit.With) error {
	ops := []ddb.Op{productItems.Next(s.Table, after)}
	ops[0].Events = true
	if after.Words != before.Words {
		words := strings.Fields(after.Words)
		for _, word := range words {
			pk, sk := entryKey(word, after.SKU)
			ops = append(ops, s.Table.Save(pk, sk, entry{Words: after.Words}))
		}
		for word := range strings.FieldsSeq(before.Words) {
			if !slices.Contains(words, word) {
				ops = append(ops, s.Remove(entryKey(word, after.SKU)))
			}
		}
	}
	return s.Commit(ctx, with, ops...)
}

// Entries reads a page of the index.
func (s Store) Entries(ctx context.Context, prefix string, limit int, cursor string) ([]catalog.Entry, string, error) {
	pk, _ := entryKey(prefix, "")
	values, next, err := s.PageOf(ctx, pk, prefix, limit, cursor)
	items, err := ddb.DecodeAll[entry](values, err)
	if err != nil {
		return nil, "", err
	}
	page := make([]catalog.Entry, len(items))
	for i, item := range items {
		word, sku, _ := strings.Cut(item.SK, "#")
		page[i] = catalog.Entry{Word: word, SKU: sku, Words: item.Words}
	}
	return page, next, nil
}

// CursorAfterEntry makes the key of an entry a cursor.
func (s Store) CursorAfterEntry(e catalog.Entry) string {
	pk, sk := entryKey(e.Word, e.SKU)
	return ddb.Cursor(map[string]string{"pk": pk, "sk": sk})
}

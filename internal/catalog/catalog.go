// Package catalog keeps the shop's products and their prices.
//
// It publishes every change. Services that need prices keep their own copy, which lags slightly
// behind.
package catalog

import (
	"context"

	"orderflow/internal/catalog/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

var (
	// ErrNoProduct says that no product has the SKU.
	ErrNoProduct = fault.New(fault.NotFound, "ProductNotFound", "no product has this SKU")
)

// Store keeps products, by SKU.
type Store interface {
	// Get returns a product, read consistently, or ErrNoProduct.
	Get(ctx context.Context, sku string) (Product, error)
	// GetMany returns the products of up to 100 distinct SKUs, in their order; unknown ones are
	// left out. The reads are eventually consistent.
	GetMany(ctx context.Context, skus []string) ([]Product, error)
	// Save writes a product's next version, and makes its entries in the index those of its Words.
	// It returns fault.ErrLostRace unless before is what is stored, the zero Product if nothing is.
	Save(ctx context.Context, before, after Product, with commit.With) error
	// Products returns at most limit products, sorted by SKU, byte by byte. cursor is "" for the
	// first page, or the previous page's next; any other gets fault.ErrCursor. next is "" on the
	// last page.
	Products(ctx context.Context, limit int, cursor string) (page []Product, next string, err error)
	// CursorAfter returns the cursor of the page after a SKU.
	CursorAfter(sku string) string
	// Entries returns at most limit entries of the index whose word begins with a prefix, sorted by
	// word and SKU, byte by byte; cursor and next are as of Products. The latest entries may be
	// missing. The prefix has a letter or digit.
	Entries(ctx context.Context, prefix string, limit int, cursor string) (page []Entry, next string, err error)
	// CursorAfterEntry returns the cursor of the page after an entry, which need not exist.
	CursorAfterEntry(e Entry) string
}

// Service is catalog's use cases.
type Service struct {
	store  Store
	clock  clock.Clock
	events envelope.Publisher
}

// New returns the use cases over a store.
func New(store Store, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, clock: c, events: envelope.Publisher{Service: "catalog", Clock: c, IDs: source}}
}

// priceChanged returns the event of p's new state.
func (s *Service) priceChanged(ctx context.Context, p Product) []envelope.Event {
	return []envelope.Event{s.events.New(ctx, contract.ProductPriceChanged, p.SKU, p.Version,
		contract.PriceChanged{SKU: p.SKU, Name: p.Name, Price: p.Price, Version: p.Version})}
}

// Package catalog keeps the products that the shop sells, and what they cost.
//
// It is where a price is set, not where it is charged: every change is published, and whoever
// needs prices keeps a copy of their own, which lags a moment behind.
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
	// ErrNoProduct means that no product has the SKU.
	ErrNoProduct = fault.New(fault.NotFound, "ProductNotFound", "there is no product of this SKU")
	// ErrCursor refuses a cursor that the list of products did not return.
	ErrCursor = fault.New(fault.Invalid, "InvalidCursor", "the cursor is not one that this list returned")
)

// Store keeps products.
type Store interface {
	// Product returns the product of a SKU, read consistently, or ErrNoProduct.
	Product(ctx context.Context, sku string) (Product, error)
	// Products returns at most limit products in the order of their SKU, byte by byte. cursor is ""
	// for the first page, else what the page before returned (others get ErrCursor); next is "" on the last page.
	Products(ctx context.Context, limit int, cursor string) (page []Product, next string, err error)
	// Put writes p, which must be one version after what is stored, else fault.ErrLostRace.
	Put(ctx context.Context, p Product, with commit.With) error
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

// priceChanged makes the event that tells of p's new state.
func (s *Service) priceChanged(ctx context.Context, p Product) []envelope.Event {
	return []envelope.Event{s.events.New(ctx, contract.ProductPriceChanged, p.SKU, p.Version,
		contract.PriceChanged{SKU: p.SKU, Name: p.Name, Price: p.Price, Version: p.Version})}
}

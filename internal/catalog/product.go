package catalog

import (
	"context"
	"time"

	"orderflow/internal/platform/money"
)

// Product is a product of the shop.
type Product struct {
	SKU  string
	Name string
	// Price is the price of one piece.
	Price money.Money
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity returns the id and version that it is stored under; see commit.Aggregate.
func (p Product) Identity() (id string, version int64) { return p.SKU, p.Version }

// GetProduct returns the product of a SKU, or ErrNoProduct.
func (s *Service) GetProduct(ctx context.Context, sku string) (Product, error) {
	return s.store.Get(ctx, sku)
}

// ListProducts returns a page of products, sorted by SKU, and the cursor of the next page, which is
// "" after the last one. Without a cursor, the list starts after the SKU after, unless that is "".
// It returns fault.ErrCursor for a cursor that no page returned.
func (s *Service) ListProducts(ctx context.Context, limit int, cursor, after string) ([]Product, string, error) {
	if cursor == "" && after != "" {
		cursor = s.store.CursorAfter(after)
	}
	return s.store.Products(ctx, limit, cursor)
}

// ListProductsBySKU returns the products of up to 50 distinct SKUs, in their order; unknown ones
// are left out.
func (s *Service) ListProductsBySKU(ctx context.Context, skus []string) ([]Product, error) {
	return s.store.GetMany(ctx, skus)
}

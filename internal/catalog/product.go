package catalog

import (
	"context"
	"time"

	"orderflow/internal/platform/money"
)

// Product is what the shop sells under one SKU.
type Product struct {
	SKU  string
	Name string
	// Price is what one piece costs.
	Price money.Money
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (p Product) Identity() (id string, version int64) { return p.SKU, p.Version }

// GetProduct returns the product of a SKU, or ErrNoProduct.
func (s *Service) GetProduct(ctx context.Context, sku string) (Product, error) {
	return s.store.Product(ctx, sku)
}

// ListProducts returns a page of products in the order of their SKU, and the cursor of the next
// page, which is "" after the last one. ErrCursor refuses a cursor that no page had.
func (s *Service) ListProducts(ctx context.Context, limit int, cursor string) ([]Product, string, error) {
	return s.store.Products(ctx, limit, cursor)
}

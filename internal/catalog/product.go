package catalog

import (
	"context"
	"strings"
	"time"

	"orderflow/internal/platform/money"
)

// Product is a product of the shop.
type Product struct {
	SKU  string
	Name string
	// Price is the price of one piece.
	Price money.Money
	// Text, ImageURL and Category are the shop's own, for its pages.
	Text, ImageURL, Category string
	// Unlisted products can be read and ordered by their SKU, but are not listed.
	Unlisted bool
	// Words are those of the name under which the index has the product. A product from before the
	// index has none until its next change.
	Words string
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

// Listing says which products to list, sorted by SKU.
type Listing struct {
	Limit  int
	Cursor string // "", or the previous page's
	After  string // a SKU or "": without a cursor, the list starts after it
	Prefix string // of the SKUs; "" lists all
	Name   string // words with which words of the name begin; "" lists all
}

// ListProducts returns a page of products, without unlisted ones, and the cursor of the next page,
// which is "" after the last one. It returns fault.ErrCursor for a cursor that no page returned.
// Products with a Name are sorted by the word that is found, and start after a product that they
// include.
func (s *Service) ListProducts(ctx context.Context, l Listing) ([]Product, string, error) {
	if l.Name != "" {
		return s.search(ctx, l)
	}
	after := max(l.After, below(l.Prefix))
	if l.Cursor == "" && after != "" {
		l.Cursor = s.store.CursorAfter(after)
	}
	page, next, err := s.store.Products(ctx, l.Limit, l.Cursor)
	var found []Product
	for _, p := range page {
		switch {
		case strings.HasPrefix(p.SKU, l.Prefix) && p.Unlisted:
		case strings.HasPrefix(p.SKU, l.Prefix):
			found = append(found, p)
		case p.SKU > l.Prefix:
			return found, "", err
		}
	}
	return found, next, err
}

// below sorts before each SKU with the prefix, and after all smaller SKUs, whose characters are all
// below its last one.
func below(prefix string) string {
	if prefix == "" {
		return ""
	}
	last := len(prefix) - 1
	return prefix[:last] + string(prefix[last]-1) + "\x7f"
}

// ListProductsBySKU returns the products of up to 50 distinct SKUs, in their order; unknown ones
// are left out.
func (s *Service) ListProductsBySKU(ctx context.Context, skus []string) ([]Product, error) {
	return s.store.GetMany(ctx, skus)
}

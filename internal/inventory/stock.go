package inventory

import (
	"context"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// Bucket is where a unit of stock is.
type Bucket string

// The three buckets.
const (
	OnHand   Bucket = "onHand"
	Reserved Bucket = "reserved"
	Shipped  Bucket = "shipped"
)

// Stock is how many units of a product are in each bucket.
type Stock struct {
	SKU      string `json:"sku"`
	OnHand   int    `json:"onHand"`
	Reserved int    `json:"reserved"`
	Shipped  int    `json:"shipped"`
}

// GetStock returns the stock of a product, or ErrNoStock.
func (s *Service) GetStock(ctx context.Context, sku string) (Stock, error) {
	return s.store.Stock(ctx, sku)
}

// AdjustStock adds delta, which may be negative, to what is on hand of a product, and returns
// the new stock. A product becomes known by its first adjustment.
func (s *Service) AdjustStock(ctx context.Context, req idempotency.Request, sku string, delta int) (Stock, bool, error) {
	return idempotency.Do(ctx, s.store, req, func(ctx context.Context, once idempotency.Once) (Stock, error) {
		before, err := s.store.Stock(ctx, sku)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return Stock{}, err
		}
		after := before
		after.SKU, before.SKU = sku, sku
		after.OnHand += delta
		if after.OnHand < 0 {
			return Stock{}, ErrBelowZero
		}
		return after, s.store.Adjust(ctx, before, delta, commit.With{Reply: once.Returning(after)})
	})
}

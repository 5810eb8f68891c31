package inventory

import (
	"context"
	"errors"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
)

// Bucket is where a unit of stock is.
type Bucket string

// The three buckets. What is available or reserved is on hand; what is shipped has left.
const (
	Available Bucket = "available"
	Reserved  Bucket = "reserved"
	Shipped   Bucket = "shipped"
)

// Stock is how many units of a product are in each bucket. Its JSON is that of stored replies, where what is available
// is still called onHand; see docs/adr/0037.
type Stock struct {
	SKU       string `json:"sku"`
	Available int    `json:"onHand"`
	Reserved  int    `json:"reserved"`
	Shipped   int    `json:"shipped"`
}

// OnHand is how many units are in the warehouse.
func (s Stock) OnHand() int { return s.Available + s.Reserved }

// GetStock returns the stock of a product, or ErrNoStock.
func (s *Service) GetStock(ctx context.Context, sku string) (Stock, error) {
	return s.store.Stock(ctx, sku)
}

// Adjustment is what an operator corrects.
type Adjustment struct {
	contract.Adjusted
	// AllowUnknownSKU says that the catalogue need not have the SKU.
	AllowUnknownSKU bool `json:"allowUnknownSku"`
}

// AdjustStock adds a.Delta, which may be negative, to what is on hand of a product, and returns the new stock. What is reserved
// stays on hand. What was never stocked must be a product of the catalogue, or ErrUnknownSKU: a misspelt SKU would get
// stock that nobody can order. The event keeps who did it and why.
func (s *Service) AdjustStock(ctx context.Context, req idempotency.Request, a Adjustment) (Stock, bool, error) {
	return idempotency.Do(ctx, s.store, req, func(ctx context.Context, once idempotency.Once) (Stock, error) {
		before, err := s.store.Stock(ctx, a.SKU)
		if errors.Is(err, ErrNoStock) {
			err = s.stockable(ctx, a)
		}
		if err != nil {
			return Stock{}, err
		}
		before.SKU = a.SKU
		after := before
		after.Available += a.Delta
		if after.Available < 0 {
			return Stock{}, ErrBelowZero
		}
		// Stock has no version; the time serves, since adjustments are rare.
		e := s.events.New(ctx, contract.StockAdjusted, a.SKU, s.clock.Now().UnixMicro(), a.Adjusted)
		with := commit.With{Reply: once.Returning(after), Events: []envelope.Event{e}}
		return after, s.store.Adjust(ctx, before, a.Delta, with)
	})
}

// stockable refuses to begin the stock of a SKU that the catalogue does not have, unless that was asked for.
func (s *Service) stockable(ctx context.Context, a Adjustment) error {
	if a.AllowUnknownSKU {
		return nil
	}
	known, err := s.store.Product(ctx, a.SKU)
	if err == nil && !known {
		err = ErrUnknownSKU
	}
	return err
}

package catalog

import (
	"context"
	"errors"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// PutProduct creates a product or sets its name and price, and returns its new state. If both are
// unchanged, nothing is written or published, so a repeated request needs no Idempotency-Key. It
// returns money.ErrCurrency or money.ErrOverflow for an invalid price.
func (s *Service) PutProduct(ctx context.Context, sku, name string, price money.Money) (Product, error) {
	price, err := money.Of(price.Currency, price.Amount)
	if err != nil {
		return Product{}, err
	}
	return fault.RetryLostRace(func() (Product, error) {
		before, err := s.store.Get(ctx, sku)
		known := err == nil
		if err != nil && !errors.Is(err, ErrNoProduct) {
			return Product{}, err
		}
		if known && before.Name == name && before.Price == price {
			return before, nil
		}
		after := Product{SKU: sku, Name: name, Price: price, Version: before.Version + 1, UpdatedAt: s.clock.Now()}
		return after, s.store.Save(ctx, after, commit.With{Events: s.priceChanged(ctx, after)})
	})
}

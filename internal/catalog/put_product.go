package catalog

import (
	"context"
	"errors"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Values are the values that an operator sets. Nil leaves a value as it is, or empty.
type Values struct {
	Name                     string
	Price                    money.Money
	Text, ImageURL, Category *string
	Unlisted                 *bool
}

// of returns the product with these values.
func (v Values) of(p Product) Product {
	p.Name, p.Price = v.Name, v.Price
	set(&p.Text, v.Text)
	set(&p.ImageURL, v.ImageURL)
	set(&p.Category, v.Category)
	set(&p.Unlisted, v.Unlisted)
	return p
}

func set[T any](value, to *T) {
	if to != nil {
		*value = *to
	}
}

// PutProduct creates a product or sets its values, and returns its new state. If all are unchanged,
// nothing is written, so a repeated request needs no Idempotency-Key; but a product from before the
// index of words is brought into it. PutProduct publishes a new name or
// price. It returns money.ErrCurrency or money.ErrOverflow for an invalid price.
func (s *Service) PutProduct(ctx context.Context, sku string, v Values) (Product, error) {
	var err error
	if v.Price, err = money.Of(v.Price.Currency, v.Price.Amount); err != nil {
		return Product{}, err
	}
	return fault.RetryLostRace(func() (Product, error) {
		before, err := s.store.Get(ctx, sku)
		if err != nil && !errors.Is(err, ErrNoProduct) {
			return Product{}, err
		}
		known := err == nil
		after := v.of(before)
		after.Words = wordsOf(after.Name)
		if known && after == before {
			return before, nil
		}
		after.SKU, after.Version, after.UpdatedAt = sku, before.Version+1, s.clock.Now()
		var with commit.With
		if !known || before.Name != after.Name || before.Price != after.Price {
			with.Events = s.priceChanged(ctx, after)
		}
		return after, s.store.Save(ctx, before, after, with)
	})
}

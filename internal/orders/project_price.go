package orders

import (
	"context"

	"orderflow/internal/catalog/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Price is an entry of the price book: what one piece of a product costs.
type Price struct {
	SKU   string
	Price money.Money
	// Version is the version of the product in catalog.
	Version int64
}

// Identity implements commit.Aggregate.
func (p Price) Identity() (id string, version int64) { return p.SKU, p.Version }

// ProjectPrice writes the price in an event of catalog's to the price book, unless this or a newer
// one is stored: events arrive in any order, and twice. The version is its barrier. It fails with
// money.ErrCurrency for an unknown currency.
func (s *Service) ProjectPrice(ctx context.Context, in contract.PriceChanged) error {
	price, err := money.Of(in.Price.Currency, in.Price.Amount)
	if err != nil {
		return err
	}
	next := Price{SKU: in.SKU, Price: price, Version: in.Version}
	_, err = fault.RetryLostRace(func() (struct{}, error) {
		known, err := s.store.Price(ctx, in.SKU)
		if err != nil || known.Version >= in.Version {
			return struct{}{}, err
		}
		return struct{}{}, s.store.SavePrice(ctx, next, known.Version, commit.With{})
	})
	return err
}

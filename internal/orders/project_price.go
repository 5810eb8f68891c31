package orders

import (
	"context"

	"orderflow/internal/catalog/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
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

// projectPrice is the event handler's name, used as a barrier key.
const projectPrice = "project-price"

// ProjectPrice writes the price in an event of catalog's to the price book, unless a newer one is
// stored: events arrive in any order. It fails with money.ErrCurrency for an unknown currency.
func (s *Service) ProjectPrice(ctx context.Context, eventID string, in contract.PriceChanged) error {
	price, err := money.Of(in.Price.Currency, in.Price.Amount)
	if err != nil {
		return err
	}
	return barrier.Consume(ctx, s.store, projectPrice, eventID, func(ctx context.Context, once barrier.Once) error {
		with := commit.With{Barrier: once.Returning(struct{}{})}
		known, err := s.store.Price(ctx, in.SKU)
		if err != nil {
			return err
		}
		if in.Version <= known.Version {
			return s.store.Record(ctx, with)
		}
		return s.store.SavePrice(ctx, Price{SKU: in.SKU, Price: price, Version: in.Version}, known.Version, with)
	})
}

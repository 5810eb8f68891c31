package orders_test

import (
	"errors"
	"testing"

	catalog "orderflow/internal/catalog/contract"
	"orderflow/internal/platform/money"
)

// cup returns the event of a version of a cup that costs 100 cents per version.
func cup(version int64) catalog.PriceChanged {
	price := money.Money{Currency: "EUR", Amount: 100 * version}
	return catalog.PriceChanged{SKU: "CUP", Name: "Cup", Price: price, Version: version}
}

func TestTheNewestPriceWinsInAnyOrderOfEvents(t *testing.T) {
	s := open(t)
	for _, e := range []struct {
		version int64
		want    int64
	}{{2, 200}, {1, 200}, {7, 700}, {2, 700}, {7, 700}, {3, 700}} {
		must(t, s.ProjectPrice(t.Context(), cup(e.version)))
		got, err := s.store.Price(t.Context(), "CUP")
		if err != nil || got.Price.Amount != e.want {
			t.Errorf("after version %d: %v, %v; want %d", e.version, got, err, e.want)
		}
	}
}

func TestAPriceInAnUnknownCurrencyIsRefused(t *testing.T) {
	s := open(t)
	e := cup(1)
	e.Price.Currency = "XQQ"
	if err := s.ProjectPrice(t.Context(), e); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("got %v, want ErrCurrency", err)
	}
}

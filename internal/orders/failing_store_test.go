package orders_test

import (
	"context"
	"errors"
	"testing"
	"time"

	catalog "orderflow/internal/catalog/contract"
	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
)

var errTorn = errors.New("the store did not respond")

// torn is a store whose failing-th call, counted from 1, fails and changes nothing.
type torn struct {
	orders.Store
	failing int
}

func (s *torn) call() error {
	if s.failing--; s.failing == 0 {
		return errTorn
	}
	return nil
}

func (s *torn) Order(ctx context.Context, orderID string) (orders.Order, error) {
	if err := s.call(); err != nil {
		return orders.Order{}, err
	}
	return s.Store.Order(ctx, orderID)
}

func (s *torn) Overdue(ctx context.Context, before time.Time) ([]orders.Order, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.Overdue(ctx, before)
}

func (s *torn) SaveOrder(ctx context.Context, o orders.Order, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.SaveOrder(ctx, o, with)
}

func (s *torn) Quote(ctx context.Context, scope, key string, skus []string) (orders.Quote, error) {
	if err := s.call(); err != nil {
		return orders.Quote{}, err
	}
	return s.Store.Quote(ctx, scope, key, skus)
}

func (s *torn) Price(ctx context.Context, sku string) (orders.Price, error) {
	if err := s.call(); err != nil {
		return orders.Price{}, err
	}
	return s.Store.Price(ctx, sku)
}

func (s *torn) SavePrice(ctx context.Context, p orders.Price, before int64, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.SavePrice(ctx, p, before, with)
}

func (s *torn) Record(ctx context.Context, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Record(ctx, with)
}

func TestAUseCaseFailsWithItsStoreAndSucceedsOnRetry(t *testing.T) {
	ctx := context.Background()
	price := money.Money{Currency: "EUR", Amount: 1}
	for name, use := range map[string]struct {
		calls int
		run   func(*orders.Service, string) error
	}{
		"place": {2, func(s *orders.Service, _ string) error {
			_, _, err := s.PlaceOrder(ctx, idempotency.Request{}, placement(orders.Line{SKU: "MUG", Quantity: 1}))
			return err
		}},
		"cancel": {2, func(s *orders.Service, id string) error {
			_, _, err := s.CancelOrder(ctx, idempotency.Request{}, id, "", func(string) bool { return true })
			return err
		}},
		"close": {2, func(s *orders.Service, id string) error {
			_, err := s.CloseOrder(ctx, contract.Close{OrderID: id})
			return err
		}},
		"confirm": {2, func(s *orders.Service, id string) error {
			_, err := s.ConfirmOrder(ctx, contract.Confirm{OrderID: id})
			return err
		}},
		"reject": {2, func(s *orders.Service, id string) error {
			_, err := s.RejectOrder(ctx, contract.Reject{OrderID: id})
			return err
		}},
		"flag": {2, func(s *orders.Service, id string) error {
			_, err := s.FlagOrder(ctx, contract.Flag{OrderID: id})
			return err
		}},
		"price": {2, func(s *orders.Service, _ string) error {
			return s.ProjectPrice(ctx, catalog.PriceChanged{SKU: "MUG", Price: price, Version: 2})
		}},
		"old price": {1, func(s *orders.Service, _ string) error {
			return s.ProjectPrice(ctx, catalog.PriceChanged{SKU: "MUG", Price: price, Version: 1})
		}},
		"sweep": {2, func(s *orders.Service, _ string) error {
			_, err := s.SweepOrders(ctx)
			return err
		}},
	} {
		for n := 1; n <= use.calls; n++ {
			s := open(t)
			id := s.place().OrderID
			s.clock.Advance(time.Hour)
			svc := orders.New(&torn{s.store, n}, s.clock, ids.Random(s.clock))
			if err := use.run(svc, id); !errors.Is(err, errTorn) {
				t.Errorf("%s, call %d fails: %v", name, n, err)
			}
			if err := use.run(svc, id); err != nil {
				t.Errorf("%s, retried after call %d failed: %v", name, n, err)
			}
		}
	}
}

func TestTheSweepContinuesAfterAnOrderThatCannotBeSaved(t *testing.T) {
	s := open(t)
	s.place()
	s.place()
	s.clock.Advance(time.Hour)
	s.store.TakeOutbox()
	svc := orders.New(&torn{s.store, 2}, s.clock, ids.Random(s.clock)) // the first call is Overdue
	swept, err := svc.SweepOrders(t.Context())
	if swept != (orders.Swept{Overdue: 1}) || !errors.Is(err, errTorn) {
		t.Errorf("%+v, %v; want one order published and the error of the other", swept, err)
	}
	if got := s.emitted(); got != "overdue" {
		t.Errorf("emitted %q", got)
	}
}

// A step's record expires, the order does not.
func TestConfirmAfterItsRecordExpiredChangesNothing(t *testing.T) {
	s := open(t)
	o := s.place()
	o.Status, o.Version = orders.StatusConfirmed, o.Version+1
	if err := s.store.SaveOrder(t.Context(), o, commit.With{}); err != nil {
		t.Fatal(err)
	}
	_, err := s.ConfirmOrder(t.Context(), contract.Confirm{OrderID: o.OrderID})
	if fault.From(err).Code != "ForbiddenTransition" {
		t.Errorf("%v, want ForbiddenTransition", err)
	}
	if got := s.order(o.OrderID); got.Version != o.Version || s.emitted() != "" {
		t.Errorf("the order is at version %d, want %d, with no event", got.Version, o.Version)
	}
}

package inventory_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
)

var errTorn = errors.New("the store did not answer")

// torn is a store whose n-th call, counted from 1, fails and changes nothing.
type torn struct {
	inventory.Store
	failing int
}

func (s *torn) call() error {
	if s.failing--; s.failing == 0 {
		return errTorn
	}
	return nil
}

func (s *torn) Shards(ctx context.Context, sku string) ([]inventory.Shard, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.Shards(ctx, sku)
}

func (s *torn) CountAvailable(ctx context.Context, skus []string, enough int) (map[string]int, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.CountAvailable(ctx, skus, enough)
}

func (s *torn) Product(ctx context.Context, sku string) (bool, error) {
	if err := s.call(); err != nil {
		return false, err
	}
	return s.Store.Product(ctx, sku)
}

func (s *torn) LearnProduct(ctx context.Context, sku string) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.LearnProduct(ctx, sku)
}

func (s *torn) Reservation(ctx context.Context, orderID string) (inventory.Reservation, error) {
	if err := s.call(); err != nil {
		return inventory.Reservation{}, err
	}
	return s.Store.Reservation(ctx, orderID)
}

func (s *torn) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Move(ctx, r, from, to, with)
}

func (s *torn) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Adjust(ctx, before, after, with)
}

func (s *torn) Split(ctx context.Context) ([]string, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.Split(ctx)
}

func (s *torn) Overdue(ctx context.Context, before time.Time) ([]inventory.Reservation, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.Overdue(ctx, before)
}

func (s *torn) Record(ctx context.Context, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Record(ctx, with)
}

func TestUseCaseFailsWithItsStoreAndThenCanBeRepeated(t *testing.T) {
	type method = func(*inventory.Service, context.Context, contract.Step) (contract.Result, error)
	step := func(run method) func(*inventory.Service) error {
		return func(s *inventory.Service) error {
			_, err := run(s, context.Background(), input(order))
			return err
		}
	}
	for name, use := range map[string]struct {
		calls    int
		reserved bool
		run      func(*inventory.Service) error
	}{
		"reserve":      {1, false, step((*inventory.Service).ReserveStock)},
		"commit":       {2, true, step((*inventory.Service).CommitStock)},
		"release":      {2, true, step((*inventory.Service).ReleaseStock)},
		"release none": {1, false, step((*inventory.Service).ReleaseStock)},
		"adjust": {2, false, func(s *inventory.Service) error {
			_, _, err := s.AdjustStock(context.Background(), idempotency.Request{}, adjustment("mug", 1))
			return err
		}},
		"availability": {1, false, func(s *inventory.Service) error {
			_, err := s.ListAvailability(context.Background(), []string{"mug"})
			return err
		}},
		"merge": {1, false, func(s *inventory.Service) error {
			_, err := s.MergeStock(context.Background())
			return err
		}},
		"sweep": {2, true, func(s *inventory.Service) error {
			_, _, err := s.SweepReservations(context.Background())
			return err
		}},
	} {
		for n := 1; n <= use.calls; n++ {
			s := newShop(t)
			if use.reserved {
				_, err := s.ReserveStock(t.Context(), input(order))
				must(t, err)
			}
			s.clock.Advance(time.Hour)
			svc := inventory.New(&torn{s.store, n}, s.clock, &ids.Sequence{})
			if err := use.run(svc); !errors.Is(err, errTorn) {
				t.Errorf("%s, call %d fails: %v", name, n, err)
			}
			if err := use.run(svc); err != nil {
				t.Errorf("%s, repeated after call %d failed: %v", name, n, err)
			}
		}
	}
}

func TestSweepContinuesAfterAReservationThatFails(t *testing.T) {
	s := newShop(t)
	for _, id := range []string{order, ids.Random(s.clock).New()} {
		_, err := s.ReserveStock(t.Context(), input(id))
		must(t, err)
	}
	s.clock.Advance(time.Hour)
	svc := inventory.New(&torn{s.store, 2}, s.clock, &ids.Sequence{}) // the first is Overdue
	if n, stuck, err := svc.SweepReservations(t.Context()); n != 1 || stuck != 0 || !errors.Is(err, errTorn) {
		t.Errorf("%d overdue, %d stuck, %v; want one, and the error of the other", n, stuck, err)
	}
}

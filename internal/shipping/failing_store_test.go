package shipping_test

import (
	"context"
	"errors"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

var errStore = errors.New("the store did not answer")

// failingStore is a store whose n-th call, counted from 1, fails and changes nothing.
type failingStore struct {
	shipping.Store
	failing int
}

func (s *failingStore) call() error {
	if s.failing--; s.failing == 0 {
		return errStore
	}
	return nil
}

func (s *failingStore) Get(ctx context.Context, orderID string) (shipping.Shipment, error) {
	if err := s.call(); err != nil {
		return shipping.Shipment{}, err
	}
	return s.Store.Get(ctx, orderID)
}

func (s *failingStore) Save(ctx context.Context, sh shipping.Shipment, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Save(ctx, sh, with)
}

func TestUseCaseSucceedsWhenRepeatedAfterAStoreFailure(t *testing.T) {
	ctx := context.Background()
	for name, use := range map[string]struct {
		calls    int
		arranged bool
		run      func(*shipping.Service) error
	}{
		"arrange": {1, false, func(s *shipping.Service) error {
			_, err := s.ArrangeShipment(ctx, arrange)
			return err
		}},
		"await":    {2, true, func(s *shipping.Service) error { _, err := s.AwaitShipment(ctx, await); return err }},
		"cancel":   {2, true, func(s *shipping.Service) error { _, err := s.CancelShipment(ctx, cancel); return err }},
		"callback": {2, true, func(s *shipping.Service) error { return s.ReceiveCallback(ctx, booked) }},
	} {
		for n := 1; n <= use.calls; n++ {
			d := open()
			if use.arranged {
				d.arrange(t)
			}
			svc := shipping.New(&failingStore{d.store, n}, d.carrier, clock.At(now), &ids.Sequence{})
			if err := use.run(svc); !errors.Is(err, errStore) {
				t.Errorf("%s, call %d fails: %v", name, n, err)
			}
			if err := use.run(svc); err != nil {
				t.Errorf("%s, repeated after call %d failed: %v", name, n, err)
			}
		}
	}
}

func TestCancellationWithoutAnOrderIsInvalid(t *testing.T) {
	_, err := open().CancelShipment(t.Context(), contract.Cancel{CustomerID: "alice"})
	if err == nil || fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v, want an invalid input", err)
	}
}

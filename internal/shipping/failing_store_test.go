package shipping_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

var errTorn = errors.New("the store did not answer")

// torn is a store of which one call fails, counted from 1, and changes nothing.
type torn struct {
	shipping.Store
	failing int
}

func (s *torn) call() error {
	if s.failing--; s.failing == 0 {
		return errTorn
	}
	return nil
}

func (s *torn) Shipment(ctx context.Context, orderID string) (shipping.Shipment, error) {
	if err := s.call(); err != nil {
		return shipping.Shipment{}, err
	}
	return s.Store.Shipment(ctx, orderID)
}

func (s *torn) Save(ctx context.Context, sh shipping.Shipment, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Save(ctx, sh, with)
}

func TestAStoreThatFailsFailsTheUseCaseWhichSucceedsWhenRepeated(t *testing.T) {
	ctx := context.Background()
	for name, use := range map[string]struct {
		calls    int
		arranged bool
		run      func(*shipping.Service) error
	}{
		"arrange":  {1, false, func(s *shipping.Service) error { _, err := s.ArrangeShipment(ctx, arrange); return err }},
		"await":    {2, true, func(s *shipping.Service) error { _, err := s.AwaitShipment(ctx, await); return err }},
		"cancel":   {2, true, func(s *shipping.Service) error { _, err := s.CancelShipment(ctx, cancel); return err }},
		"callback": {2, true, func(s *shipping.Service) error { return s.ReceiveCallback(ctx, booked) }},
	} {
		for n := 1; n <= use.calls; n++ {
			d := open()
			if use.arranged {
				d.arrange(t)
			}
			c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
			svc := shipping.New(&torn{d.store, n}, d.carrier, c, &ids.Sequence{})
			if err := use.run(svc); !errors.Is(err, errTorn) {
				t.Errorf("%s, call %d fails: %v", name, n, err)
			}
			if err := use.run(svc); err != nil {
				t.Errorf("%s, repeated after call %d failed: %v", name, n, err)
			}
		}
	}
}

func TestACancellationWithoutAnOrderIsRefused(t *testing.T) {
	if _, err := open().CancelShipment(t.Context(), contract.Cancel{CustomerID: "alice"}); err == nil || fault.KindOf(err) != fault.Invalid {
		t.Errorf("%v, want it refused", err)
	}
}

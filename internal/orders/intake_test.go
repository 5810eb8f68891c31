package orders_test

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

func TestStoppedIntakeRefusesNewOrdersOnly(t *testing.T) {
	s := open(t)
	in := placement(orders.Line{SKU: "MUG", Quantity: 1})
	before := idempotency.Request{Scope: "alice", Key: "before"}
	first, _, err := s.PlaceOrder(t.Context(), before, in)
	must(t, err)
	refused := func(wait time.Duration) {
		t.Helper()
		for _, key := range []string{"", "new"} {
			_, _, err := s.PlaceOrder(t.Context(), idempotency.Request{Scope: "alice", Key: key}, in)
			if !errors.Is(err, orders.ErrStopped) || fault.From(err).RetryAfter != wait {
				t.Errorf("%v, after %v; want ErrStopped, after %v", err, fault.From(err).RetryAfter, wait)
			}
		}
		o, replayed, err := s.PlaceOrder(t.Context(), before, in)
		if err != nil || !replayed || o.OrderID != first.OrderID {
			t.Errorf("the request before the stop: %v, %t, %v; want its answer", o.OrderID, replayed, err)
		}
	}
	taken := func() {
		t.Helper()
		_, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, in)
		must(t, err)
	}
	intake := orders.Switch{Store: s.store, Clock: s.clock}
	_, err = intake.Stop(t.Context(), time.Time{}, "the carrier is down", "olga")
	must(t, err)
	refused(time.Minute)
	own := func(customer string) bool { return customer == first.CustomerID }
	_, _, err = s.CancelOrder(t.Context(), idempotency.Request{}, first.OrderID, first.CustomerID, own)
	must(t, err)
	must(t, intake.Resume(t.Context()))
	taken()
	stop, err := intake.Stop(t.Context(), s.clock.Now().Add(10*time.Minute), "the carrier is down", "olga")
	must(t, err)
	if got, err := s.store.Intake(t.Context()); err != nil || got != stop {
		t.Errorf("%+v, %v; want %+v", got, err, stop)
	}
	s.clock.Advance(9 * time.Minute)
	refused(time.Minute)
	s.clock.Advance(time.Minute)
	taken()
}

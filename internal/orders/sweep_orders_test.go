package orders_test

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

func (s *shop) sweep() (overdue, stuck int, err error) {
	return s.SweepOrders(s.t.(*testing.T).Context())
}

func TestTheSweepTellsOfOrdersThatArePendingBeyondTheirBudgetAndOfNoOthers(t *testing.T) {
	s := open(t)
	late, done := s.place(), s.place()
	if _, err := s.confirm(done.OrderID); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(30 * time.Minute)
	young := s.place()
	s.emitted()
	if n, _, err := s.sweep(); n != 0 || err != nil {
		t.Errorf("at the end of its budget: %d overdue, %v", n, err)
	}
	s.clock.Advance(time.Millisecond)
	if n, stuck, err := s.sweep(); n != 1 || stuck != 0 || err != nil {
		t.Fatalf("beyond it: %d overdue, %d stuck, %v; want one", n, stuck, err)
	}
	events := s.store.TakeOutbox()
	if len(events) != 1 || events[0].Type != contract.OrderOverdue || events[0].Subject != late.OrderID || events[0].Subject == young.OrderID {
		t.Fatalf("events %v", events)
	}
	told, err := envelope.Decode[contract.Created](events[0])
	if err != nil || told.CustomerID != "alice" || len(told.Items) != 1 || told.PaymentMethod == "" || told.ShippingAddress != home {
		t.Errorf("the event does not hold what starting a saga takes: %+v, %v", told, err)
	}
}

func TestTheSweepChangesNoOrder(t *testing.T) {
	s := open(t)
	o := s.place()
	s.clock.Advance(time.Hour)
	for range 3 {
		if n, _, err := s.sweep(); n != 1 || err != nil {
			t.Fatalf("%d overdue, %v", n, err)
		}
	}
	if got := s.order(o.OrderID); got.Version != o.Version || got.Status != orders.StatusPending {
		t.Errorf("the order became %+v", got)
	}
	if got := s.emitted(); got != "overdue overdue overdue" {
		t.Errorf("emitted %q", got)
	}
}

func TestAnOrderThatRepairDoesNotBringToRestIsAFailure(t *testing.T) {
	s := open(t)
	s.place()
	s.clock.Advance(12 * time.Hour)
	if n, stuck, err := s.sweep(); n != 1 || stuck != 0 || err != nil {
		t.Errorf("after 12 hours: %d overdue, %d stuck, %v", n, stuck, err)
	}
	s.clock.Advance(time.Second)
	if n, stuck, err := s.sweep(); n != 1 || stuck != 1 || !errors.Is(err, orders.ErrStuck) {
		t.Errorf("after that: %d overdue, %d stuck, %v; want ErrStuck", n, stuck, err)
	}
	if got := s.emitted(); got != "overdue overdue" {
		t.Errorf("emitted %q: it must be told all the same", got)
	}
}

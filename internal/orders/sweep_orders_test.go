package orders_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

func (s *shop) sweep() (overdue, stuck int, err error) {
	did, err := s.SweepOrders(s.t.(*testing.T).Context())
	if did.Flagged != 0 {
		s.t.Errorf("%d orders were flagged", did.Flagged)
	}
	return did.Overdue, did.Stuck, err
}

// stored changes an order as no use case would: it is of a time when less was refused.
func (s *shop) stored(o orders.Order, change func(*orders.Order)) orders.Order {
	s.t.Helper()
	o.Version++
	change(&o)
	if err := s.store.SaveOrder(s.t.(*testing.T).Context(), o, commit.With{}); err != nil {
		s.t.Fatalf("save: %v", err)
	}
	return o
}

func TestAnAddressThatConsumersRefuseIsNone(t *testing.T) {
	for _, bad := range []string{"nobody", strings.Repeat("a", 400) + "@example.com"} {
		s := open(t)
		o := s.stored(s.place(), func(o *orders.Order) { o.CustomerEmail = bad })
		s.clock.Advance(time.Hour)
		s.store.TakeOutbox()
		for range 2 { // the second finds it mended
			if n, _, err := s.sweep(); n != 1 || err != nil {
				t.Fatalf("%d overdue, %v; want one", n, err)
			}
		}
		if got := s.order(o.OrderID); got.CustomerEmail != "" || got.Status != orders.StatusPending || got.Version != o.Version+1 {
			t.Errorf("the order became %+v", got)
		}
		if got := s.emitted(); got != "overdue overdue" { // each is held to its schema
			t.Errorf("emitted %q", got)
		}
	}
}

func TestAnOrderThatConsumersRefuseIsFlaggedOnce(t *testing.T) {
	s := open(t)
	bad := s.stored(s.place(), func(o *orders.Order) { o.PaymentMethod, o.CustomerEmail = "a secret method", "nobody" })
	s.place()
	s.clock.Advance(time.Hour)
	s.store.TakeOutbox()
	did, err := s.SweepOrders(t.Context())
	if did != (orders.Swept{Overdue: 1, Flagged: 1}) || !errors.Is(err, orders.ErrUntellable) {
		t.Errorf("first: %+v, %v; want one told of and one flagged", did, err)
	}
	if did, err := s.SweepOrders(t.Context()); did != (orders.Swept{Overdue: 1}) || err != nil {
		t.Errorf("again: %+v, %v; want only the other one", did, err)
	}
	got := s.order(bad.OrderID)
	if got.Status != orders.StatusNeedsAttention || !strings.Contains(got.Detail, "/paymentMethod") || strings.Contains(got.Detail, "secret") {
		t.Errorf("the order became %+v", got)
	}
	if got := s.emitted(); got != "needs-attention overdue overdue" && got != "overdue needs-attention overdue" {
		t.Errorf("emitted %q", got)
	}
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

// racing is a store whose orders change under the sweep's hands.
type racing struct{ orders.Store }

func (racing) SaveOrder(context.Context, orders.Order, commit.With) error { return fault.ErrLostRace }

func TestAnOrderThatChangesUnderTheSweepIsLeftToTheNextOne(t *testing.T) {
	s := open(t)
	s.stored(s.place(), func(o *orders.Order) { o.CustomerEmail = "nobody" })
	s.place()
	s.clock.Advance(time.Hour)
	did, err := orders.New(racing{s.store}, s.clock, &ids.Sequence{}).SweepOrders(t.Context())
	if did != (orders.Swept{Overdue: 1}) || err != nil {
		t.Errorf("%+v, %v; want the other one told of", did, err)
	}
}

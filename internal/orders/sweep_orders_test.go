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
	swept, err := s.SweepOrders(s.t.(*testing.T).Context())
	if swept.Flagged != 0 {
		s.t.Errorf("%d orders were flagged", swept.Flagged)
	}
	return swept.Overdue, swept.Stuck, err
}

// corrupt stores values in an order that an older release would have accepted.
func (s *shop) corrupt(o orders.Order, change func(*orders.Order)) orders.Order {
	s.t.Helper()
	o.Version++
	change(&o)
	if err := s.store.SaveOrder(s.t.(*testing.T).Context(), o, commit.With{}); err != nil {
		s.t.Fatalf("save: %v", err)
	}
	return o
}

func TestTheSweepRemovesAnEmailAddressThatConsumersReject(t *testing.T) {
	for _, bad := range []string{"nobody", strings.Repeat("a", 400) + "@example.com"} {
		s := open(t)
		o := s.corrupt(s.place(), func(o *orders.Order) { o.CustomerEmail = bad })
		s.clock.Advance(time.Hour)
		s.store.TakeOutbox()
		for range 2 { // the second sweep finds it repaired
			if n, _, err := s.sweep(); n != 1 || err != nil {
				t.Fatalf("%d overdue, %v; want one", n, err)
			}
		}
		got := s.order(o.OrderID)
		if got.CustomerEmail != "" || got.Status != orders.StatusPending || got.Version != o.Version+1 {
			t.Errorf("the order became %+v", got)
		}
		if got := s.emitted(); got != "overdue overdue" { // which validates them
			t.Errorf("emitted %q", got)
		}
	}
}

func TestAnOrderWhoseEventConsumersRejectIsFlaggedOnce(t *testing.T) {
	s := open(t)
	bad := s.corrupt(s.place(), func(o *orders.Order) {
		o.PaymentMethod, o.CustomerEmail = "a secret method", "nobody"
	})
	s.place()
	s.clock.Advance(time.Hour)
	s.store.TakeOutbox()
	swept, err := s.SweepOrders(t.Context())
	if swept != (orders.Swept{Overdue: 1, Flagged: 1}) || !errors.Is(err, orders.ErrUnpublishable) {
		t.Errorf("first: %+v, %v; want one published and one flagged", swept, err)
	}
	if swept, err := s.SweepOrders(t.Context()); swept != (orders.Swept{Overdue: 1}) || err != nil {
		t.Errorf("second: %+v, %v; want only the other one", swept, err)
	}
	got := s.order(bad.OrderID)
	if got.Status != orders.StatusNeedsAttention || !strings.Contains(got.Detail, "/paymentMethod") ||
		strings.Contains(got.Detail, "secret") {
		t.Errorf("the order became %+v", got)
	}
	if got := s.emitted(); got != "needs-attention overdue overdue" && got != "overdue needs-attention overdue" {
		t.Errorf("emitted %q", got)
	}
}

func TestTheSweepPublishesOnlyOverdueOrders(t *testing.T) {
	s := open(t)
	late, done := s.place(), s.place()
	if _, err := s.confirm(done.OrderID); err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(30 * time.Minute)
	young := s.place()
	s.emitted()
	if n, _, err := s.sweep(); n != 0 || err != nil {
		t.Errorf("at the limit: %d overdue, %v", n, err)
	}
	s.clock.Advance(time.Millisecond)
	if n, stuck, err := s.sweep(); n != 1 || stuck != 0 || err != nil {
		t.Fatalf("beyond the limit: %d overdue, %d stuck, %v; want one", n, stuck, err)
	}
	events := s.store.TakeOutbox()
	if len(events) != 1 || events[0].Type != contract.OrderOverdue ||
		events[0].Subject != late.OrderID || events[0].Subject == young.OrderID {
		t.Fatalf("events %v", events)
	}
	data, err := envelope.Decode[contract.Created](events[0])
	if err != nil || data.CustomerID != "alice" || len(data.Items) != 1 || data.PaymentMethod == "" ||
		data.ShippingAddress != home {
		t.Errorf("the event lacks data that a saga needs: %+v, %v", data, err)
	}
}

func TestTheSweepDoesNotChangeValidOrders(t *testing.T) {
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

func TestTheSweepFailsIfAnOrderIsStuck(t *testing.T) {
	s := open(t)
	s.place()
	s.clock.Advance(12 * time.Hour)
	if n, stuck, err := s.sweep(); n != 1 || stuck != 0 || err != nil {
		t.Errorf("after 12 hours: %d overdue, %d stuck, %v", n, stuck, err)
	}
	s.clock.Advance(time.Second)
	if n, stuck, err := s.sweep(); n != 1 || stuck != 1 || !errors.Is(err, orders.ErrStuck) {
		t.Errorf("later: %d overdue, %d stuck, %v; want ErrStuck", n, stuck, err)
	}
	if got := s.emitted(); got != "overdue overdue" {
		t.Errorf("emitted %q: a stuck order must be published, too", got)
	}
}

// racing is a store in which another writer always wins.
type racing struct{ orders.Store }

func (racing) SaveOrder(context.Context, orders.Order, commit.With) error { return fault.ErrLostRace }

func TestAnOrderThatChangesDuringTheSweepIsLeftToTheNext(t *testing.T) {
	s := open(t)
	s.corrupt(s.place(), func(o *orders.Order) { o.CustomerEmail = "nobody" })
	s.place()
	s.clock.Advance(time.Hour)
	swept, err := orders.New(racing{s.store}, s.clock, &ids.Sequence{}).SweepOrders(t.Context())
	if swept != (orders.Swept{Overdue: 1}) || err != nil {
		t.Errorf("%+v, %v; want the other one published", swept, err)
	}
}

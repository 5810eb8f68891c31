package orders_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
)

func TestCancelClosesAPendingOrderAtOnce(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	o, _, err := s.cancel(id, "")
	must(t, err)
	if !o.CancelRequested || !o.Closed || !cmp.Equal(s.order(id), o) {
		t.Errorf("after cancel: %+v", o)
	}
	s.wantStatus(id, orders.StatusPending, "", "cancellation-requested")
	if _, err := s.confirm(id); !errors.Is(err, orders.ErrClosed) {
		t.Errorf("confirm: %v, want ErrClosed", err)
	}
}

func TestCancelledOrderEndsAsCancelled(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, _, err := s.cancel(id, "")
	must(t, err)
	_, err = s.reject(id)
	must(t, err)
	s.wantStatus(id, orders.StatusCancelled, orders.ReasonCancelledByCustomer, "cancellation-requested cancelled")
}

func TestAnOrderSaysWhoCancelledIt(t *testing.T) {
	for name, c := range map[string]struct {
		callers []string
		by      orders.Requester
		want    orders.Reason
	}{
		"its customer":                   {[]string{"alice"}, orders.ByCustomer, orders.ReasonCancelledByCustomer},
		"an operator":                    {[]string{"olga"}, orders.ByOperator, orders.ReasonCancelledByOperator},
		"an operator, then its customer": {[]string{"olga", "alice"}, orders.ByOperator, orders.ReasonCancelledByOperator},
		"its customer, then an operator": {[]string{"alice", "olga"}, orders.ByCustomer, orders.ReasonCancelledByCustomer},
	} {
		s := open(t)
		id := s.place().OrderID
		for _, caller := range c.callers {
			_, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, caller, anybody)
			must(t, err)
		}
		events, err := s.store.Outbox(t.Context())
		must(t, err)
		asked, err := envelope.Decode[contract.Changed](events[0])
		if o := s.order(id); err != nil || o.CancelRequestedBy != c.by || asked.Reason != string(c.want) {
			t.Errorf("%s: asked for by %q, the event says %q, %v", name, o.CancelRequestedBy, asked.Reason, err)
		}
		_, err = s.reject(id)
		must(t, err)
		s.wantStatus(id, orders.StatusCancelled, c.want, "cancellation-requested cancelled")
	}
}

func TestAnOrderCancelledBeforeItWasKeptByWhomIsItsCustomers(t *testing.T) {
	s := open(t)
	o := s.place()
	o.Version, o.CancelRequested, o.Closed = 2, true, true
	must(t, s.store.SaveOrder(t.Context(), o, commit.With{}))
	_, err := s.reject(o.OrderID)
	must(t, err)
	s.wantStatus(o.OrderID, orders.StatusCancelled, orders.ReasonCancelledByCustomer, "cancelled")
}

func TestCancelWhileACompensationIsOnItsWayEndsAsCancelled(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, err := s.close(id)
	must(t, err)
	_, _, err = s.cancel(id, "")
	must(t, err)
	_, err = s.reject(id)
	must(t, err)
	s.wantStatus(id, orders.StatusCancelled, orders.ReasonCancelledByCustomer, "cancellation-requested cancelled")
}

func TestCancelAgainChangesNothing(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	first, _, err := s.cancel(id, "one")
	must(t, err)
	for _, key := range []string{"", "two", "one"} {
		again, replayed, err := s.cancel(id, key)
		if err != nil || replayed != (key == "one") || !cmp.Equal(again, first) {
			t.Errorf("key %q: replayed %v, %v, %s", key, replayed, err, cmp.Diff(first, again))
		}
	}
	if _, replayed, err := s.cancel(id, "two"); err != nil || !replayed {
		t.Errorf("an answer that changed nothing is not remembered: %v, %v", replayed, err)
	}
	_, err = s.reject(id)
	must(t, err)
	if o, _, err := s.cancel(id, ""); err != nil || o.Status != orders.StatusCancelled {
		t.Errorf("cancelled already: %v, %v", o.Status, err)
	}
	s.wantStatus(id, orders.StatusCancelled, orders.ReasonCancelledByCustomer, "cancellation-requested cancelled")
}

func TestCancelIsTooLateOnceTheOrderEndedOrNeedsAttention(t *testing.T) {
	for status, end := range map[orders.Status]func(*shop, string) error{
		orders.StatusConfirmed:      func(s *shop, id string) error { _, err := s.confirm(id); return err },
		orders.StatusRejected:       func(s *shop, id string) error { _, err := s.reject(id); return err },
		orders.StatusNeedsAttention: func(s *shop, id string) error { _, err := s.flag(id); return err },
	} {
		s := open(t)
		id := s.place().OrderID
		must(t, end(s, id))
		before := s.order(id)
		if _, _, err := s.cancel(id, "k"); !errors.Is(err, orders.ErrNotCancellable) {
			t.Errorf("%s: %v, want ErrNotCancellable", status, err)
		}
		if after := s.order(id); after.Status != status || !cmp.Equal(before, after) {
			t.Errorf("%s: changed %s", status, cmp.Diff(before, after))
		}
	}
}

func TestCancelSaysWhatBecomesOfAnOrderThatNeedsAttention(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	_, err := s.flag(id)
	must(t, err)
	_, _, err = s.cancel(id, "")
	if !errors.Is(err, orders.ErrNotCancellable) || !strings.Contains(err.Error(), "an operator has to finish that") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheOwnerAndOperatorsSeeAnOrder(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	if _, err := s.GetOrder(t.Context(), id, only("bob")); !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("bob reads: %v, want ErrNoOrder", err)
	}
	if _, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, "bob", only("bob")); !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("bob cancels: %v, want ErrNoOrder", err)
	}
	s.wantStatus(id, orders.StatusPending, "", "")
	for name, may := range map[string]orders.Access{"alice": only("alice"), "operator": anybody} {
		if o, err := s.GetOrder(t.Context(), id, may); err != nil || o.OrderID != id {
			t.Errorf("%s reads: %v, %v", name, o.OrderID, err)
		}
	}
	if o, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, "olga", anybody); err != nil || !o.CancelRequested {
		t.Errorf("operator cancels: %v, %v", o.CancelRequested, err)
	}
}

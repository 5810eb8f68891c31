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

func TestAnOrderRecordsWhoCancelledIt(t *testing.T) {
	for callers, c := range map[string]struct {
		by   orders.Requester
		want orders.Reason
	}{
		"alice":      {orders.ByCustomer, orders.ReasonCancelledByCustomer},
		"olga":       {orders.ByOperator, orders.ReasonCancelledByOperator},
		"olga alice": {orders.ByOperator, orders.ReasonCancelledByOperator},
		"alice olga": {orders.ByCustomer, orders.ReasonCancelledByCustomer},
	} {
		s := open(t)
		id := s.place().OrderID
		for caller := range strings.FieldsSeq(callers) {
			_, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, caller, anybody)
			must(t, err)
		}
		events, err := s.store.Outbox(t.Context())
		must(t, err)
		event, err := envelope.Decode[contract.Changed](events[0])
		if o := s.order(id); err != nil || o.CancelRequestedBy != c.by || event.Reason != string(c.want) {
			t.Errorf("%s: requested by %q, the event says %q, %v", callers, o.CancelRequestedBy, event.Reason, err)
		}
		_, err = s.reject(id)
		must(t, err)
		s.wantStatus(id, orders.StatusCancelled, c.want, "cancellation-requested cancelled")
	}
}

func TestAnOldCancellationWithoutARequesterIsTheCustomers(t *testing.T) {
	s := open(t)
	o := s.place()
	o.Version, o.CancelRequested, o.Closed = 2, true, true
	must(t, s.store.SaveOrder(t.Context(), o, commit.With{}))
	_, err := s.reject(o.OrderID)
	must(t, err)
	s.wantStatus(o.OrderID, orders.StatusCancelled, orders.ReasonCancelledByCustomer, "cancelled")
}

func TestCancelDuringACompensationEndsAsCancelled(t *testing.T) {
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
		t.Errorf("a result that changed nothing is not stored: %v, %v", replayed, err)
	}
	_, err = s.reject(id)
	must(t, err)
	if o, _, err := s.cancel(id, ""); err != nil || o.Status != orders.StatusCancelled {
		t.Errorf("already cancelled: %v, %v", o.Status, err)
	}
	s.wantStatus(id, orders.StatusCancelled, orders.ReasonCancelledByCustomer, "cancellation-requested cancelled")
}

func TestCancelIsRefusedOnceAnOrderEndedOrNeedsAttention(t *testing.T) {
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

func TestCancelExplainsWhatHappensToAnOrderInAttention(t *testing.T) {
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
	_, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, "bob", only("bob"))
	if !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("bob cancels: %v, want ErrNoOrder", err)
	}
	s.wantStatus(id, orders.StatusPending, "", "")
	for name, may := range map[string]orders.Access{"alice": only("alice"), "operator": anybody} {
		if o, err := s.GetOrder(t.Context(), id, may); err != nil || o.OrderID != id {
			t.Errorf("%s reads: %v, %v", name, o.OrderID, err)
		}
	}
	o, _, err := s.CancelOrder(t.Context(), idempotency.Request{}, id, "olga", anybody)
	if err != nil || !o.CancelRequested {
		t.Errorf("operator cancels: %v, %v", o.CancelRequested, err)
	}
}

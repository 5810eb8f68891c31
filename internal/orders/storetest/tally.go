package storetest

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/storesuite"
)

var two = orders.Limits{Open: 2, Declines: 2}

// end ends a placed order, so long after it was placed.
func end(
	t *testing.T, s orders.Store, o orders.Order, status orders.Status, reason orders.Reason, after time.Duration,
) {
	t.Helper()
	o.Version, o.Status, o.Reason, o.UpdatedAt = 2, status, reason, o.CreatedAt.Add(after)
	aggregate.Put(t, s, o)
}

func wantTally(t *testing.T, s orders.Store, customer string, declines int, open ...string) {
	t.Helper()
	got, err := s.Tally(t.Context(), customer)
	if err != nil || !slices.Equal(got.Open, open) || len(got.Declines) != declines {
		t.Errorf("tally of %s: %+v, %v; want %v open, %d declines", customer, got, err, open, declines)
	}
}

func tallyHoldsOrdersThatAreNotFinal(t *testing.T, s orders.Store) {
	wantTally(t, s, "alice", 0)
	var ids []string
	for n := range 5 {
		o := order("alice", n)
		place(t, s, o, orders.DefaultLimits)
		aggregate.Want(t, s, o)
		ids = append(ids, o.OrderID)
	}
	place(t, s, order("bob", 9), orders.DefaultLimits)
	end(t, s, order("alice", 0), orders.StatusNeedsAttention, orders.ReasonCompensationFailed, time.Second)
	wantTally(t, s, "alice", 0, ids...)
	end(t, s, order("alice", 1), orders.StatusConfirmed, "", time.Second)
	end(t, s, order("alice", 2), orders.StatusRejected, orders.ReasonOutOfStock, time.Second)
	wantTally(t, s, "alice", 0, ids[0], ids[3], ids[4])
	end(t, s, order("alice", 3), orders.StatusCancelled, orders.ReasonCancelledByOperator, time.Second)
	wantTally(t, s, "alice", 0, ids[0], ids[4])
	end(t, s, order("alice", 4), orders.StatusRejected, orders.ReasonPaymentDeclined, time.Second)
	wantTally(t, s, "alice", 1, ids[0])
	wantTally(t, s, "bob", 0, order("", 9).OrderID)

	before := order("carol", 11) // placed before tallies existed
	aggregate.Put(t, s, before)
	wantTally(t, s, "carol", 0)
	end(t, s, before, orders.StatusConfirmed, "", time.Second)
	wantTally(t, s, "carol", 0)
}

func orderOverTheLimitIsNotWritten(t *testing.T, s orders.Store) {
	for n := range 2 {
		place(t, s, order("alice", n), two)
	}
	third := order("alice", 2)
	if err := s.PlaceOrder(t.Context(), third, two, commit.With{}); !errors.Is(err, orders.ErrAtLimit) {
		t.Errorf("a third order: %v, want ErrAtLimit", err)
	}
	if _, err := s.Order(t.Context(), third.OrderID); !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("the third order was written: %v", err)
	}
	place(t, s, order("bob", 5), two)
	if err := s.PlaceOrder(t.Context(), order("bob", 5), two, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("an order that exists: %v, want ErrLostRace", err)
	}
	end(t, s, order("alice", 0), orders.StatusConfirmed, "", time.Second)
	place(t, s, third, two)
	wantTally(t, s, "alice", 0, order("", 1).OrderID, third.OrderID)
}

func declinesCountForAnHour(t *testing.T, s orders.Store) {
	place := func(n int, at time.Duration) error {
		o := order("alice", n)
		o.CreatedAt = storesuite.Start.Add(at)
		return s.PlaceOrder(t.Context(), o, two, commit.With{})
	}
	ended := map[int]orders.Reason{0: orders.ReasonPaymentDeclined, 1: orders.ReasonCancelledByCustomer}
	for n, status := range []orders.Status{orders.StatusRejected, orders.StatusCancelled} {
		storesuite.Must(t, place(n, 0))
		o := order("alice", n)
		o.CreatedAt = storesuite.Start
		end(t, s, o, status, ended[n], time.Duration(n+1)*time.Minute)
	}
	for _, at := range []time.Duration{3 * time.Minute, time.Hour + time.Minute - time.Millisecond} {
		if err := place(2, at); !errors.Is(err, orders.ErrAtLimit) {
			t.Errorf("after two declines, at %s: %v, want ErrAtLimit", at, err)
		}
	}
	storesuite.Must(t, place(2, time.Hour+time.Minute)) // an hour after the first of them
	o := order("alice", 2)
	o.CreatedAt = storesuite.Start.Add(time.Hour + time.Minute)
	end(t, s, o, orders.StatusRejected, orders.ReasonPaymentDeclined, 2*time.Minute)
	wantTally(t, s, "alice", 1) // the first two are forgotten
}

func uncountedOrdersLeaveRoom(t *testing.T, s orders.Store) {
	var ids []string
	for n := range 3 {
		place(t, s, order("alice", n), orders.DefaultLimits)
		ids = append(ids, order("alice", n).OrderID)
	}
	for range 2 {
		storesuite.Must(t, s.Uncount(t.Context(), "alice", []string{ids[0], ids[2]}))
		wantTally(t, s, "alice", 0, ids[1])
	}
	place(t, s, order("alice", 4), two)
}

func concurrentOrdersStayWithinTheLimit(t *testing.T, s orders.Store) {
	var placed atomic.Int32
	storesuite.Race(6, func(n int) error {
		err := s.PlaceOrder(t.Context(), order("alice", n), two, commit.With{})
		if err == nil {
			placed.Add(1)
		}
		return err
	})
	got, err := s.Tally(t.Context(), "alice")
	if err != nil || placed.Load() != 2 || len(got.Open) != 2 {
		t.Errorf("placed %d orders, tally %v, %v; want 2", placed.Load(), got.Open, err)
	}
}

package orders_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// orderFor places an order of one mug for a customer.
func (s *shop) orderFor(customer, key string) (orders.Order, bool, error) {
	in := placement(orders.Line{SKU: "MUG", Quantity: 1})
	in.CustomerID = customer
	return s.PlaceOrder(context.Background(), idempotency.Request{Scope: customer, Key: key, Hash: "h"}, in)
}

func openWithLimits(t failer, l orders.Limits) *shop {
	s := open(t)
	s.Service = s.Limited(l)
	return s
}

func (s *shop) decline(id string) {
	s.t.Helper()
	in := contract.Reject{OrderID: id, Reason: "PAYMENT_DECLINED"}
	if _, err := s.RejectOrder(context.Background(), in); err != nil {
		s.t.Fatalf("decline: %v", err)
	}
}

func TestOpenOrdersAreLimited(t *testing.T) {
	s := open(t)
	var placed []orders.Order
	for n := range orders.DefaultLimits.Open {
		o, _, err := s.orderFor("alice", fmt.Sprint("k", n))
		must(t, err)
		placed = append(placed, o)
	}
	s.store.TakeOutbox()
	_, err := s.flag(placed[0].OrderID) // which needs attention and still counts as open
	must(t, err)
	s.store.TakeOutbox()
	_, _, err = s.orderFor("alice", "more")
	e := fault.From(err)
	if !errors.Is(err, orders.ErrTooManyOrders) || e.Kind != fault.Limited || e.RetryAfter <= 0 ||
		!strings.Contains(e.Detail, "20 orders in progress") {
		t.Fatalf("order 21: %v, retry after %s", err, e.RetryAfter)
	}
	if _, ok, err := s.store.Reply(t.Context(), "alice", "more"); ok || err != nil || s.emitted() != "" {
		t.Errorf("the refusal was stored: %v, %v", ok, err)
	}
	if _, _, err := s.orderFor("bob", ""); err != nil {
		t.Errorf("another customer is refused: %v", err)
	}
	again, replayed, err := s.orderFor("alice", "k3")
	if err != nil || !replayed || again.OrderID != placed[3].OrderID {
		t.Errorf("a replay at the limit: %v, replayed %v, %v", again.OrderID, replayed, err)
	}
	_, err = s.confirm(placed[1].OrderID)
	must(t, err)
	if _, _, err := s.orderFor("alice", "more"); err != nil {
		t.Errorf("after one was confirmed: %v", err)
	}
}

func TestDeclinesWithinAnHourAreLimited(t *testing.T) {
	s := openWithLimits(t, orders.Limits{Open: 20, Declines: 3})
	for range 3 {
		o, _, err := s.orderFor("alice", "")
		must(t, err)
		s.clock.Advance(time.Minute)
		s.decline(o.OrderID)
		s.decline(o.OrderID) // a repeat does not count
	}
	s.clock.Advance(7 * time.Minute)
	_, _, err := s.orderFor("alice", "")
	e := fault.From(err)
	if !errors.Is(err, orders.ErrTooManyDeclines) || e.Kind != fault.Limited || e.RetryAfter != 51*time.Minute {
		t.Fatalf("after three declines: %v, retry after %s; want 51m", err, e.RetryAfter)
	}
	if _, _, err := s.orderFor("bob", ""); err != nil {
		t.Errorf("another customer is refused: %v", err)
	}
	s.clock.Advance(51 * time.Minute)
	if _, _, err := s.orderFor("alice", ""); err != nil {
		t.Errorf("an hour after the first decline: %v", err)
	}
}

func TestCancellingDoesNotHideDeclines(t *testing.T) {
	s := openWithLimits(t, orders.Limits{Open: 20, Declines: 2})
	for range 2 {
		o, _, err := s.orderFor("alice", "")
		must(t, err)
		_, _, err = s.cancel(o.OrderID, "")
		must(t, err)
		s.decline(o.OrderID)
	}
	if _, _, err := s.orderFor("alice", ""); !errors.Is(err, orders.ErrTooManyDeclines) {
		t.Errorf("got %v, want ErrTooManyDeclines", err)
	}
}

func TestOrdersRejectedForLackOfStockAreNotDeclines(t *testing.T) {
	s := openWithLimits(t, orders.Limits{Open: 1, Declines: 1})
	for range 5 {
		o, _, err := s.orderFor("alice", "")
		must(t, err)
		_, err = s.reject(o.OrderID)
		must(t, err)
	}
}

// During a release or after a rollback, a version without the tally ends orders but leaves them
// counted as open.
func TestOrdersThatAnOlderVersionEndedNoLongerCountAsOpen(t *testing.T) {
	s := openWithLimits(t, orders.Limits{Open: 2, Declines: 1})
	for range 2 {
		_, _, err := s.orderFor("alice", "")
		must(t, err)
	}
	before, err := s.store.Tally(t.Context(), "alice")
	must(t, err)
	_, err = s.confirm(before.Open[0])
	must(t, err)
	s.store.Recount("alice", before) // as if the older version had confirmed it
	if _, _, err := s.orderFor("alice", ""); err != nil {
		t.Errorf("one of two has ended, but a third is refused: %v", err)
	}
	after, err := s.store.Tally(t.Context(), "alice")
	if err != nil || len(after.Open) != 2 || slices.Contains(after.Open, before.Open[0]) {
		t.Errorf("tally %+v, %v", after, err)
	}
	if _, _, err := s.orderFor("alice", ""); !errors.Is(err, orders.ErrTooManyOrders) {
		t.Errorf("beyond the limit: %v", err)
	}
}

func TestConcurrentOrdersStayWithinTheLimit(t *testing.T) {
	for range 50 {
		s := openWithLimits(t, orders.Limits{Open: 3, Declines: 1})
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if _, _, err := s.orderFor("alice", ""); err != nil && !errors.Is(err, orders.ErrTooManyOrders) {
					t.Errorf("%v", err)
				}
			})
		}
		wait.Wait()
		if got, err := s.store.Tally(t.Context(), "alice"); err != nil || len(got.Open) != 3 {
			t.Errorf("%d orders are open, %v", len(got.Open), err)
		}
	}
}

func TestTheTallyAlwaysHasExactlyTheOrdersThatAreNotFinal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := openWithLimits(t, orders.Limits{Open: 3, Declines: 100})
		var ids []string
		command := rapid.SampledFrom(append([]string{"place", "place"}, names[:5]...))
		for _, name := range rapid.SliceOfN(command, 1, 25).Draw(t, "commands") {
			if name == "place" {
				o, _, err := s.orderFor("alice", "")
				if err == nil {
					ids = append(ids, o.OrderID)
				} else if !errors.Is(err, orders.ErrTooManyOrders) {
					t.Fatalf("place: %v", err)
				}
			} else if len(ids) > 0 {
				if err := commands[name](s, rapid.SampledFrom(ids).Draw(t, "order")); err != nil && !refused(err) {
					t.Fatalf("%s: %v", name, err)
				}
			}
			var open []string
			for _, id := range ids {
				if !s.order(id).Status.Final() {
					open = append(open, id)
				}
			}
			slices.Sort(open)
			got, err := s.store.Tally(context.Background(), "alice")
			if err != nil || !slices.Equal(got.Open, open) || len(open) > 3 {
				t.Fatalf("after %s: the tally has %v, want %v, %v", name, got.Open, open, err)
			}
		}
	})
}

func TestPlaceOrderAtALimitFailsIfTheStoreFails(t *testing.T) {
	for failing := 1; failing <= 3; failing++ { // PlaceOrder, Tally, OrdersByID
		limits := orders.Limits{Open: 1, Declines: 1}
		s := openWithLimits(t, limits)
		_, _, err := s.orderFor("alice", "")
		must(t, err)
		broken := orders.New(&torn{s.store, failing + 1}, s.clock, &otherIDs{}).Limited(limits)
		in := placement(orders.Line{SKU: "MUG", Quantity: 1})
		_, _, err = broken.PlaceOrder(t.Context(), idempotency.Request{}, in)
		if !errors.Is(err, errTorn) {
			t.Errorf("call %d fails: %v", failing, err)
		}
	}
}

// otherIDs returns ids that no order of a shop has.
type otherIDs struct{ n int }

func (s *otherIDs) New() string { s.n++; return fmt.Sprintf("other-%d", s.n) }

func (s *torn) PlaceOrder(ctx context.Context, o orders.Order, l orders.Limits, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.PlaceOrder(ctx, o, l, with)
}

func (s *torn) Tally(ctx context.Context, customerID string) (orders.Tally, error) {
	if err := s.call(); err != nil {
		return orders.Tally{}, err
	}
	return s.Store.Tally(ctx, customerID)
}

func (s *torn) OrdersByID(ctx context.Context, ids []string) ([]orders.Order, error) {
	if err := s.call(); err != nil {
		return nil, err
	}
	return s.Store.OrdersByID(ctx, ids)
}

func TestATallyIsOverWhenNothingCounts(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		tally orders.Tally
		over  bool
	}{
		"nothing":                  {orders.Tally{}, true},
		"an open order":            {orders.Tally{Open: []string{"o"}}, false},
		"a decline that counts":    {orders.Tally{Declines: []time.Time{now.Add(-59 * time.Minute)}}, false},
		"a decline of long ago":    {orders.Tally{Declines: []time.Time{now.Add(-61 * time.Minute)}}, true},
		"an open order and an old": {orders.Tally{Open: []string{"o"}, Declines: []time.Time{{}}}, false},
	} {
		if got := c.tally.Over(now); got != c.over {
			t.Errorf("%s: over %t", name, got)
		}
	}
}

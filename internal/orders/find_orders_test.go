package orders_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/idempotency"
)

func TestOperatorsFindOrders(t *testing.T) {
	s := open(t)
	var placed []orders.Order
	for n := range 8 {
		in := placement(orders.Line{SKU: "MUG", Quantity: 2})
		in.CustomerID = []string{"alice", "bob"}[n%2]
		o, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, in)
		if err != nil {
			t.Fatal(err)
		}
		placed = append(placed, o)
		s.clock.Advance(time.Minute)
	}
	if _, err := s.FlagOrder(t.Context(), contract.Flag{OrderID: placed[1].OrderID}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.reject(placed[2].OrderID); err != nil {
		t.Fatal(err)
	}
	at := func(n ...int) (all []string) {
		for _, i := range n {
			all = append(all, placed[i].OrderID)
		}
		return all
	}
	for name, tt := range map[string]struct {
		q    orders.Search
		want []string
	}{
		"have not ended":   {orders.Search{}, at(0, 1, 3, 4, 5, 6, 7)},
		"pending":          {orders.Search{Status: orders.StatusPending}, at(0, 3, 4, 5, 6, 7)},
		"need attention":   {orders.Search{Status: orders.StatusNeedsAttention}, at(1)},
		"for 3 minutes":    {orders.Search{Status: orders.StatusPending, OlderThan: 3 * time.Minute}, at(0, 3, 4, 5)},
		"of a customer":    {orders.Search{CustomerID: "alice"}, at(6, 4, 2, 0)},
		"older, of alice":  {orders.Search{CustomerID: "alice", OlderThan: 3 * time.Minute}, at(4, 2, 0)},
		"rejected, alice":  {orders.Search{CustomerID: "alice", Status: orders.StatusRejected}, at(2)},
		"no stock, alice":  {orders.Search{CustomerID: "alice", Reason: orders.ReasonOutOfStock}, at(2)},
		"no stock, bob":    {orders.Search{CustomerID: "bob", Reason: orders.ReasonOutOfStock}, nil},
		"could not undone": {orders.Search{Reason: orders.ReasonCompensationFailed}, at(1)},
	} {
		t.Run(name, func(t *testing.T) {
			for _, limit := range []int{1, 2, 100} {
				var got []string
				for q, pages := tt.q, 0; ; pages++ {
					q.Limit = limit
					page, next, err := s.FindOrders(t.Context(), q)
					if err != nil || len(page) > limit || pages > 10 {
						t.Fatalf("page %d of %d: %v", pages, len(page), err)
					}
					for _, o := range page {
						got = append(got, o.OrderID)
					}
					if q.Cursor = next; next == "" {
						break
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("by %d: found %v, want %v", limit, got, tt.want)
				}
			}
		})
	}
	_, _, err := s.FindOrders(t.Context(), orders.Search{Status: orders.StatusConfirmed, Limit: 1})
	if !errors.Is(err, orders.ErrNeedsCustomer) {
		t.Errorf("ended orders of all customers: %v", err)
	}
}

package orders_test

import (
	"errors"
	"slices"
	"testing"

	"orderflow/internal/orders"
	"orderflow/internal/platform/fault"
)

func TestListOrdersByStatus(t *testing.T) {
	s := open(t)
	var want []string
	for n := range 7 {
		o, _, err := s.orderFor("alice", "")
		if err != nil {
			t.Fatal(err)
		}
		if n%2 == 0 {
			s.decline(o.OrderID)
			want = append(want, o.OrderID)
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 4, 100} {
		l := orders.Listing{Limit: limit, Status: orders.StatusRejected}
		var got []string
		for pages := 0; pages == 0 || l.Cursor != ""; pages++ {
			page, next, err := s.ListOrders(t.Context(), "alice", l)
			if err != nil || len(page) > limit || pages > 4 {
				t.Fatalf("page %d of at most %d has %d orders, %v", pages, limit, len(page), err)
			}
			for _, o := range page {
				got = append(got, o.OrderID)
			}
			l.Cursor = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d at a time: %q, want %q", limit, got, want)
		}
	}
	l := orders.Listing{Limit: 9, After: want[1], Status: orders.StatusRejected}
	page, _, err := s.ListOrders(t.Context(), "alice", l)
	if err != nil || len(page) != 2 || page[0].OrderID != want[2] {
		t.Errorf("after the second: %d orders, %v; want the other two", len(page), err)
	}
	l = orders.Listing{Limit: 9, Cursor: "nonsense", Status: orders.StatusRejected}
	if _, _, err := s.ListOrders(t.Context(), "alice", l); !errors.Is(err, fault.ErrCursor) {
		t.Errorf("%v, want ErrCursor", err)
	}
}

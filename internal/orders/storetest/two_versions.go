package storetest

import (
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[Store]{
	"Order": {
		Write: func(t *testing.T, s Store) {
			must(t, s.SaveOrder(t.Context(), order("alice", 1), commit.With{}))
		},
		Rewrite: func(t *testing.T, s Store) {
			o := order("alice", 1)
			for _, status := range []orders.Status{orders.StatusPending, orders.StatusNeedsAttention, orders.StatusRejected} {
				o.Version, o.Status, o.Closed = o.Version+1, status, true
				must(t, s.SaveOrder(t.Context(), o, commit.With{}))
				wantOrder(t, s, o)
			}
		},
	},
	"Tally": {
		Write: func(t *testing.T, s Store) {
			must(t, s.PlaceOrder(t.Context(), order("alice", 1), orders.DefaultLimits, commit.With{}))
		},
		Rewrite: func(t *testing.T, s Store) {
			must(t, s.PlaceOrder(t.Context(), order("alice", 2), orders.DefaultLimits, commit.With{}))
			end(t, s, order("alice", 2), orders.StatusRejected, orders.ReasonPaymentDeclined, time.Second)
			must(t, s.Uncount(t.Context(), "alice", []string{order("", 1).OrderID}))
			wantTally(t, s, "alice", 1)
		},
	},
	"Price": {
		Write: func(t *testing.T, s Store) {
			must(t, s.SavePrice(t.Context(), price("A", 100, 1), 0, commit.With{}))
		},
		Rewrite: func(t *testing.T, s Store) {
			next := orders.Price{SKU: "A", Price: money.Money{Currency: "USD", Amount: 200}, Version: 2}
			must(t, s.SavePrice(t.Context(), next, 1, commit.With{}))
			if got, err := s.Price(t.Context(), "A"); err != nil || got != next {
				t.Errorf("Price = %v, %v", got, err)
			}
		},
	},
}

// placed: what was placed is written once, since what a newer version put into a line or the
// address could not be kept otherwise.
func placed(t *testing.T, s Store) {
	o := order("alice", 1)
	must(t, s.SaveOrder(t.Context(), o, commit.With{}))
	next := order("alice", 1)
	next.Version, next.Status = 2, orders.StatusRejected
	next.Items, next.Total.Amount, next.ShippingAddress.City = next.Items[:1], 1, "Paris"
	must(t, s.SaveOrder(t.Context(), next, commit.With{}))
	o.Version, o.Status = 2, orders.StatusRejected
	wantOrder(t, s, o)
}

// Package storetest is the suite that every orders store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Store is what the suite needs of a store.
type Store interface {
	orders.Store
	storesuite.Store
}

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) Store) {
	storesuite.Run(t, open)
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, Store){
		"UnknownOrderIsNotFound":                  unknown,
		"OrderComesBackAsItWasSaved":              saved,
		"WhatWasPlacedStaysAsItWas":               placed,
		"OrderOfAnotherVersionThanTheNextIsARace": staleOrder,
		"ListIsNewestFirstAndTheCustomersOwn":     list,
		"PagesJoinToTheWholeList":                 pages,
		"CursorOfAnotherCustomerIsRefused":        foreignCursor,
		"FortyPricesAreFoundAtOnce":               prices,
		"PriceOverAnotherVersionIsARace":          stalePrice,
		"PlacingIsOneCommitWithItsReply":          together,
		"OverdueAreThePendingOnesOfBeforeATime":   overdue,
		"OrdersAreFoundByIDAndOthersLeftOut":      byID,
		"TheTallyHoldsTheOrdersThatAreNotFinal":   tallied,
		"AnOrderOverTheLimitIsNotWritten":         overLimit,
		"DeclinesCountForAnHour":                  declines,
		"WhatIsUncountedLeavesRoom":               uncounted,
		"PlacesTakenAtOnceStayWithinTheLimit":     atOnce,
	})
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func unknown(t *testing.T, s Store) {
	if _, err := s.Order(t.Context(), "none"); !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("Order: %v, want ErrNoOrder", err)
	}
}

func saved(t *testing.T, s Store) {
	o := order("alice", 1)
	must(t, s.SaveOrder(t.Context(), o, commit.With{}))
	wantOrder(t, s, o)
	o.Version, o.Status, o.Reason, o.Detail = 2, orders.StatusNeedsAttention, orders.ReasonCompensationFailed, "VoidPayment"
	o.CancelRequested, o.CancelRequestedBy, o.Closed, o.UpdatedAt = true, orders.ByOperator, true, start.Add(time.Minute)
	o.TrackingNumber = "TRK-7F3A9C"
	must(t, s.SaveOrder(t.Context(), o, commit.With{}))
	wantOrder(t, s, o)
}

func staleOrder(t *testing.T, s Store) {
	o := order("alice", 1)
	must(t, s.SaveOrder(t.Context(), o, commit.With{}))
	for _, version := range []int64{1, 3} {
		stale := o
		stale.Version, stale.Status = version, orders.StatusRejected
		if err := s.SaveOrder(t.Context(), stale, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("version %d over version 1: %v, want ErrLostRace", version, err)
		}
	}
	wantOrder(t, s, o)
	second := order("alice", 2)
	second.Version = 2
	if err := s.SaveOrder(t.Context(), second, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("version 2 over nothing: %v, want ErrLostRace", err)
	}
}

func list(t *testing.T, s Store) {
	for n, customer := range []string{"alice", "bob", "alice", "alice#b"} {
		must(t, s.SaveOrder(t.Context(), order(customer, n), commit.With{}))
	}
	wantList(t, s, "alice", order("alice", 2), order("alice", 0))
	wantList(t, s, "bob", order("bob", 1))
	wantList(t, s, "carol")
}

func pages(t *testing.T, s Store) {
	var want, got []string
	for n := range 7 {
		o := order("alice", n)
		must(t, s.SaveOrder(t.Context(), o, commit.With{}))
		want = append(want, o.OrderID)
	}
	slices.Reverse(want)
	for cursor, n := "", 0; n == 0 || cursor != ""; n++ {
		page, next, err := s.Orders(t.Context(), "alice", 3, cursor)
		if err != nil || len(page) > 3 || n > 4 {
			t.Fatalf("page %d has %d orders, %v", n, len(page), err)
		}
		for _, o := range page {
			got = append(got, o.OrderID)
		}
		cursor = next
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages give %v, want %v", got, want)
	}
}

func foreignCursor(t *testing.T, s Store) {
	for n := range 3 {
		must(t, s.SaveOrder(t.Context(), order("alice", n), commit.With{}))
	}
	_, cursor, err := s.Orders(t.Context(), "alice", 2, "")
	if err != nil || cursor == "" {
		t.Fatalf("first page: cursor %q, %v", cursor, err)
	}
	if _, _, err := s.Orders(t.Context(), "bob", 2, cursor); !errors.Is(err, orders.ErrCursor) {
		t.Errorf("alice's cursor for bob: %v, want ErrCursor", err)
	}
	if _, _, err := s.Orders(t.Context(), "alice", 2, "nonsense"); !errors.Is(err, orders.ErrCursor) {
		t.Errorf("a made-up cursor: %v, want ErrCursor", err)
	}
}

func prices(t *testing.T, s Store) {
	want := map[string]orders.Price{}
	skus := []string{"unknown"}
	for n := range 39 {
		p := price(fmt.Sprintf("SKU-%d", n), int64(n), int64(n+1))
		must(t, s.SavePrice(t.Context(), p, 0, commit.With{}))
		want[p.SKU] = p
		skus = append(skus, p.SKU)
	}
	got, err := s.Prices(t.Context(), skus)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("Prices: %v, %s", err, cmp.Diff(want, got))
	}
}

func stalePrice(t *testing.T, s Store) {
	must(t, s.SavePrice(t.Context(), price("A", 100, 4), 0, commit.With{}))
	for _, before := range []int64{0, 3, 5} {
		if err := s.SavePrice(t.Context(), price("A", 200, 9), before, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("price over version %d where 4 is stored: %v, want ErrLostRace", before, err)
		}
	}
	must(t, s.SavePrice(t.Context(), price("A", 300, 9), 4, commit.With{}))
	if got, err := s.Price(t.Context(), "A"); err != nil || got != price("A", 300, 9) {
		t.Errorf("Price = %v, %v", got, err)
	}
	if got, err := s.Price(t.Context(), "B"); err != nil || got != (orders.Price{}) {
		t.Errorf("Price of an unknown SKU = %v, %v", got, err)
	}
}

func together(t *testing.T, s Store) {
	o := order("alice", 1)
	var once idempotency.Once
	req := idempotency.Request{Scope: "alice#op", Key: "k", Hash: "h"}
	_, _, err := idempotency.Do(t.Context(), s, req, func(ctx context.Context, given idempotency.Once) (orders.Order, error) {
		once = given
		return o, s.SaveOrder(ctx, o, commit.With{Reply: given.Returning(o)})
	})
	must(t, err)
	rec, ok, err := s.Reply(t.Context(), "alice#op", "k")
	if err != nil || !ok || len(rec.Result) == 0 {
		t.Fatalf("Reply = %v, %v, %v", rec, ok, err)
	}
	second := order("alice", 2)
	if err := s.SaveOrder(t.Context(), second, commit.With{Reply: once.Returning(second)}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("the same key again: %v, want ErrLostRace", err)
	}
	if _, err := s.Order(t.Context(), second.OrderID); !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("order of the refused commit: %v, want ErrNoOrder", err)
	}
}

func overdue(t *testing.T, s Store) {
	var pending []string
	for n := range 12 { // over several partitions of the index
		o := order("alice", n)
		must(t, s.SaveOrder(t.Context(), o, commit.With{}))
		if n%4 == 1 {
			o.Version, o.Status = 2, orders.StatusRejected
			must(t, s.SaveOrder(t.Context(), o, commit.With{}))
		} else if n < 6 {
			pending = append(pending, o.OrderID)
		}
	}
	found, err := s.Overdue(t.Context(), start.Add(6*time.Second).Truncate(time.Second))
	must(t, err)
	var got []string
	for _, o := range found {
		got = append(got, o.OrderID)
		if o.CustomerID != "alice" || len(o.Items) != 2 {
			t.Errorf("an overdue order is not whole: %+v", o)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, pending) {
		t.Errorf("Overdue = %v, want %v", got, pending)
	}
}

// order makes a customer's order, the n-th in time.
func order(customer string, n int) orders.Order {
	at := start.Add(time.Duration(n) * time.Second)
	return orders.Order{
		OrderID: fmt.Sprintf("01KAQ5M3Z8V7D2X4C6B9N1T%03d", n), CustomerID: customer,
		CustomerEmail: customer + "@example.com",
		Status:        orders.StatusPending, PaymentMethod: "pm_card_visa",
		Items: []contract.Item{
			{SKU: "MUG-BLUE", Quantity: 2, UnitPrice: money.Money{Currency: "EUR", Amount: 1999}},
			{SKU: "TEA", Quantity: 1, UnitPrice: money.Money{Currency: "EUR", Amount: 799}},
		},
		Total:           money.Money{Currency: "EUR", Amount: 4797},
		ShippingAddress: contract.Address{Name: "Ada", Line1: "12 St", Line2: "Apt 4", City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US"},
		Version:         1, CreatedAt: at, UpdatedAt: at,
	}
}

func price(sku string, amount, version int64) orders.Price {
	return orders.Price{SKU: sku, Price: money.Money{Currency: "EUR", Amount: amount}, Version: version}
}

func wantOrder(t *testing.T, s Store, want orders.Order) {
	t.Helper()
	got, err := s.Order(t.Context(), want.OrderID)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("Order: %v, %s", err, cmp.Diff(want, got))
	}
}

func wantList(t *testing.T, s Store, customer string, want ...orders.Order) {
	t.Helper()
	got, next, err := s.Orders(t.Context(), customer, 10, "")
	if err != nil || next != "" || len(got) != len(want) || len(want) > 0 && !cmp.Equal(got, want) {
		t.Errorf("Orders of %s: cursor %q, %v, %s", customer, next, err, cmp.Diff(want, got))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

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
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Suite is the suite that every orders store must pass.
var Suite = storesuite.Suite[orders.Store]{
	Aggregates: []storesuite.Aggregates[orders.Store]{aggregate},
	Cases: []func(*testing.T, orders.Store){
		placedFieldsAreWrittenOnce, listHoldsOwnOrdersNewestFirst, pagesListEveryOrderOnce,
		cursorOfAnotherCustomerIsRefused,
		fortyPricesAreReadAtOnce, quoteHasTheRecordAndThePrices,
		priceFromAnotherVersionLosesTheRace, orderAndReplyAreOneCommit,
		overdueListsOldPendingOrders, waitingOrdersAreListedOldestFirst, tallyHoldsOrdersThatAreNotFinal,
		orderOverTheLimitIsNotWritten, declinesCountForAnHour, uncountedOrdersLeaveRoom,
		concurrentOrdersStayWithinTheLimit,
		pageAfterAnOrderStartsWithTheNext,
	},
	Kinds: map[string]storesuite.Kind[orders.Store]{
		"Intake": intake,
		"Tally": {
			Write: func(t *testing.T, s orders.Store) {
				place(t, s, order("alice", 1), orders.DefaultLimits)
			},
			Rewrite: func(t *testing.T, s orders.Store) {
				place(t, s, order("alice", 2), orders.DefaultLimits)
				end(t, s, order("alice", 2), orders.StatusRejected, orders.ReasonPaymentDeclined, time.Second)
				storesuite.Must(t, s.Uncount(t.Context(), "alice", []string{order("", 1).OrderID}))
				wantTally(t, s, "alice", 1)
			},
		},
		"Price": {
			Write: func(t *testing.T, s orders.Store) {
				storesuite.Must(t, s.SavePrice(t.Context(), price("A", 100, 1), 0, commit.With{}))
			},
			Rewrite: func(t *testing.T, s orders.Store) {
				next := orders.Price{SKU: "A", Price: money.Money{Currency: "USD", Amount: 200}, Version: 2}
				storesuite.Must(t, s.SavePrice(t.Context(), next, 1, commit.With{}))
				if got, err := s.Price(t.Context(), "A"); err != nil || got != next {
					t.Errorf("Price = %v, %v", got, err)
				}
			},
		},
	},
}

// Intake is the part of the suite about whether new orders are taken.
var Intake = storesuite.Suite[orders.Store]{Kinds: map[string]storesuite.Kind[orders.Store]{"Intake": intake}}

var intake = storesuite.Kind[orders.Store]{
	Write: func(t *testing.T, s orders.Store) {
		wantIntake(t, s, orders.Intake{})
		storesuite.Must(t, s.SaveIntake(t.Context(), stopped))
		wantIntake(t, s, stopped)
	},
	Rewrite: func(t *testing.T, s orders.Store) {
		for _, next := range []orders.Intake{{}, {StoppedAt: stopped.Until}, {}} {
			storesuite.Must(t, s.SaveIntake(t.Context(), next))
			wantIntake(t, s, next)
		}
	},
}

var stopped = orders.Intake{
	StoppedAt: storesuite.Start.Truncate(time.Millisecond),
	Until:     storesuite.Start.Truncate(time.Millisecond).Add(time.Hour), Reason: "the carrier is down", By: "olga",
}

// wantIntake checks what is stored, and what an order reads with its prices.
func wantIntake(t *testing.T, s orders.Store, want orders.Intake) {
	t.Helper()
	if got, err := s.Intake(t.Context()); err != nil || got != want {
		t.Errorf("Intake = %+v, %v; want %+v", got, err, want)
	}
	for _, key := range []string{"", "k"} {
		q, err := s.Quote(t.Context(), "scope", key, []string{"A"})
		if err != nil || q.Intake != want || len(q.Prices) > 0 {
			t.Errorf("Quote = %+v, %v; want %+v", q, err, want)
		}
	}
}

var aggregate = storesuite.Aggregate[orders.Store, orders.Order]{
	Get: orders.Store.Order, GetMany: orders.Store.OrdersByID, Save: orders.Store.SaveOrder, Missing: orders.ErrNoOrder,
	New: version, Versions: versions(),
}

func version(id string, version int64) orders.Order {
	o := order("alice", 1)
	o.OrderID, o.Version = id, version
	return o
}

func versions() []orders.Order {
	all := []orders.Order{version("1", 1), version("1", 2), version("1", 3), version("1", 4)}
	flagged := &all[1]
	flagged.Status, flagged.UpdatedAt = orders.StatusNeedsAttention, storesuite.Start.Add(time.Minute)
	flagged.Reason, flagged.Detail = orders.ReasonCompensationFailed, "VoidPayment"
	flagged.CancelRequested, flagged.CancelRequestedBy, flagged.Closed = true, orders.ByOperator, true
	flagged.TrackingNumber = "TRK-7F3A9C"
	flagged.Shortages = []orders.Shortage{{SKU: "MUG", Missing: 2}, {SKU: "TEA", Missing: 1}}
	flagged.TrackingURL = "https://carrier.example/TRK-7F3A9C"
	flagged.Milestones = []orders.Milestone{{Step: "STOCK_RESERVED", At: storesuite.Start.Add(time.Millisecond)}}
	flagged.Changes = append(flagged.Changes,
		orders.Change{Version: 2, Status: flagged.Status, Reason: flagged.Reason, At: flagged.UpdatedAt})
	all[2].Status = orders.StatusPending
	all[3].Status = orders.StatusRejected
	return all
}

func listHoldsOwnOrdersNewestFirst(t *testing.T, s orders.Store) {
	for n, customer := range []string{"alice", "bob", "alice", "alice#b"} {
		aggregate.Put(t, s, order(customer, n))
	}
	wantList(t, s, "alice", order("alice", 2), order("alice", 0))
	wantList(t, s, "bob", order("bob", 1))
	wantList(t, s, "carol")
}

func pagesListEveryOrderOnce(t *testing.T, s orders.Store) {
	var want, got []string
	for n := range 7 {
		o := order("alice", n)
		aggregate.Put(t, s, o)
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

func pageAfterAnOrderStartsWithTheNext(t *testing.T, s orders.Store) {
	for _, n := range []int{0, 1, 3} {
		aggregate.Put(t, s, order("alice", n))
	}
	for _, n := range []int{3, 2} { // order 2 does not exist
		page, next, err := s.Orders(t.Context(), "alice", 5, s.CursorAfter("alice", order("", n).OrderID))
		if err != nil || next != "" || len(page) != 2 || page[0].OrderID != order("", 1).OrderID {
			t.Errorf("after order %d: %d orders, cursor %q, %v; want orders 1 and 0", n, len(page), next, err)
		}
	}
}

func cursorOfAnotherCustomerIsRefused(t *testing.T, s orders.Store) {
	for n := range 3 {
		aggregate.Put(t, s, order("alice", n))
	}
	_, cursor, err := s.Orders(t.Context(), "alice", 2, "")
	if err != nil || cursor == "" {
		t.Fatalf("first page: cursor %q, %v", cursor, err)
	}
	if _, _, err := s.Orders(t.Context(), "bob", 2, cursor); !errors.Is(err, fault.ErrCursor) {
		t.Errorf("alice's cursor for bob: %v, want ErrCursor", err)
	}
	if _, _, err := s.Orders(t.Context(), "alice", 2, "nonsense"); !errors.Is(err, fault.ErrCursor) {
		t.Errorf("a made-up cursor: %v, want ErrCursor", err)
	}
}

func fortyPricesAreReadAtOnce(t *testing.T, s orders.Store) {
	want := map[string]orders.Price{}
	skus := []string{"unknown"}
	for n := range 39 {
		p := price(fmt.Sprintf("SKU-%d", n), int64(n), int64(n+1))
		storesuite.Must(t, s.SavePrice(t.Context(), p, 0, commit.With{}))
		want[p.SKU] = p
		skus = append(skus, p.SKU)
	}
	got, err := s.Quote(t.Context(), "", "", skus)
	if err != nil || !cmp.Equal(got.Prices, want) || got.Replayed {
		t.Errorf("Quote: %v, replayed %v, %s", err, got.Replayed, cmp.Diff(want, got.Prices))
	}
}

func quoteHasTheRecordAndThePrices(t *testing.T, s orders.Store) {
	a := price("A", 100, 4)
	storesuite.Must(t, s.SavePrice(t.Context(), a, 0, commit.With{}))
	req := idempotency.Request{Scope: "alice", Key: "k", Hash: "h"}
	_, _, err := idempotency.Do(t.Context(), s, req, func(ctx context.Context, once idempotency.Once) (int, error) {
		return 7, s.Record(ctx, commit.With{Reply: once.Returning(7)})
	})
	storesuite.Must(t, err)
	want, _, err := s.Reply(t.Context(), "alice", "k")
	storesuite.Must(t, err)
	prices := map[string]orders.Price{"A": a}
	for key, replayed := range map[string]bool{"k": true, "other": false, "": false} {
		got, err := s.Quote(t.Context(), "alice", key, []string{"A", "B"})
		if err != nil || got.Replayed != replayed || !cmp.Equal(got.Prices, prices) ||
			replayed && !cmp.Equal(got.Reply, want) {
			t.Errorf("Quote with key %q = %+v, %v", key, got, err)
		}
	}
}

func priceFromAnotherVersionLosesTheRace(t *testing.T, s orders.Store) {
	storesuite.Must(t, s.SavePrice(t.Context(), price("A", 100, 4), 0, commit.With{}))
	for _, before := range []int64{0, 3, 5} {
		err := s.SavePrice(t.Context(), price("A", 200, 9), before, commit.With{})
		if !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("price from version %d over version 4: %v, want ErrLostRace", before, err)
		}
	}
	storesuite.Must(t, s.SavePrice(t.Context(), price("A", 300, 9), 4, commit.With{}))
	if got, err := s.Price(t.Context(), "A"); err != nil || got != price("A", 300, 9) {
		t.Errorf("Price = %v, %v", got, err)
	}
	if got, err := s.Price(t.Context(), "B"); err != nil || got != (orders.Price{}) {
		t.Errorf("Price of an unknown SKU = %v, %v", got, err)
	}
}

func orderAndReplyAreOneCommit(t *testing.T, s orders.Store) {
	o := order("alice", 1)
	var once idempotency.Once
	req := idempotency.Request{Scope: "alice#op", Key: "k", Hash: "h"}
	saveOnce := func(ctx context.Context, given idempotency.Once) (orders.Order, error) {
		once = given
		return o, s.SaveOrder(ctx, o, commit.With{Reply: given.Returning(o)})
	}
	_, _, err := idempotency.Do(t.Context(), s, req, saveOnce)
	storesuite.Must(t, err)
	rec, ok, err := s.Reply(t.Context(), "alice#op", "k")
	if err != nil || !ok || len(rec.Result) == 0 {
		t.Fatalf("Reply = %v, %v, %v", rec, ok, err)
	}
	second := order("alice", 2)
	err = s.SaveOrder(t.Context(), second, commit.With{Reply: once.Returning(second)})
	if !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("the same key again: %v, want ErrLostRace", err)
	}
	if _, err := s.Order(t.Context(), second.OrderID); !errors.Is(err, orders.ErrNoOrder) {
		t.Errorf("order of the refused commit: %v, want ErrNoOrder", err)
	}
}

func overdueListsOldPendingOrders(t *testing.T, s orders.Store) {
	var pending []string
	for n := range 12 { // over several partitions of the index
		o := order("alice", n)
		aggregate.Put(t, s, o)
		if n%4 == 1 {
			o.Version, o.Status = 2, orders.StatusRejected
			aggregate.Put(t, s, o)
		} else if n < 6 {
			pending = append(pending, o.OrderID)
		}
	}
	found, err := s.Overdue(t.Context(), storesuite.Start.Add(6*time.Second).Truncate(time.Second))
	storesuite.Must(t, err)
	var got []string
	for _, o := range found {
		got = append(got, o.OrderID)
		if o.CustomerID != "alice" || len(o.Items) != 2 {
			t.Errorf("incomplete overdue order: %+v", o)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, pending) {
		t.Errorf("Overdue = %v, want %v", got, pending)
	}
}

func waitingOrdersAreListedOldestFirst(t *testing.T, s orders.Store) {
	var pending, attention, both []string
	for n := range 12 {
		o := order([]string{"alice", "bob"}[n%2], n)
		aggregate.Put(t, s, o)
		if n%4 == 1 {
			o.Version, o.Status = 2, orders.StatusRejected
			aggregate.Put(t, s, o)
			continue
		}
		if list := &pending; n < 9 {
			if n%4 == 2 {
				o.Version, o.Status = 2, orders.StatusNeedsAttention
				aggregate.Put(t, s, o)
				list = &attention
			}
			*list, both = append(*list, o.OrderID), append(both, o.OrderID)
		}
	}
	before := storesuite.Start.Add(9 * time.Second).Truncate(time.Second)
	for status, want := range map[orders.Status][]string{
		orders.StatusPending: pending, orders.StatusNeedsAttention: attention, "": both,
	} {
		var got []string
		for cursor, more := "", true; more; more = cursor != "" {
			page, next, err := s.Waiting(t.Context(), status, before, 2, cursor)
			storesuite.Must(t, err)
			for _, o := range page {
				got = append(got, o.OrderID)
			}
			if cursor = next; len(got) > 12 {
				t.Fatal("the list does not end")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("Waiting %s = %v, want %v", status, got, want)
		}
	}
	_, late, err := s.Waiting(t.Context(), "", before, 2, "")
	storesuite.Must(t, err)
	page, next, err := s.Waiting(t.Context(), "", storesuite.Start, 2, late)
	if err != nil || page != nil || next != "" {
		t.Errorf("Waiting from a cursor after the time: %v, cursor %q, %v; want nothing", page, next, err)
	}
	for _, cursor := range []string{"!", "eyJwayI6IngifQ"} {
		if _, _, err := s.Waiting(t.Context(), "", before, 2, cursor); !errors.Is(err, fault.ErrCursor) {
			t.Errorf("Waiting from %s: %v", cursor, err)
		}
	}
}

// order returns the n-th order of a customer; a later one is a second newer.
func order(customer string, n int) orders.Order {
	at := storesuite.Start.Add(time.Duration(n) * time.Second)
	return orders.Order{
		OrderID: fmt.Sprintf("01KAQ5M3Z8V7D2X4C6B9N1T%03d", n), CustomerID: customer,
		CustomerEmail: customer + "@example.com",
		Status:        orders.StatusPending, PaymentMethod: "pm_card_visa",
		Items: []contract.Item{
			{SKU: "MUG-BLUE", Quantity: 2, UnitPrice: money.Money{Currency: "EUR", Amount: 1999}},
			{SKU: "TEA", Quantity: 1, UnitPrice: money.Money{Currency: "EUR", Amount: 799}},
		},
		Total: money.Money{Currency: "EUR", Amount: 4797},
		ShippingAddress: contract.Address{
			Name: "Ada", Line1: "12 St", Line2: "Apt 4",
			City: "Springfield", Region: "IL", PostalCode: "62701", Country: "US",
		},
		Version: 1, CreatedAt: at, UpdatedAt: at,
		Changes: []orders.Change{{Version: 1, Status: orders.StatusPending, At: at}},
	}
}

func price(sku string, amount, version int64) orders.Price {
	return orders.Price{SKU: sku, Price: money.Money{Currency: "EUR", Amount: amount}, Version: version}
}

func place(t *testing.T, s orders.Store, o orders.Order, limits orders.Limits) {
	t.Helper()
	storesuite.Must(t, s.PlaceOrder(t.Context(), o, limits, commit.With{}))
}

func wantList(t *testing.T, s orders.Store, customer string, want ...orders.Order) {
	t.Helper()
	got, next, err := s.Orders(t.Context(), customer, 10, "")
	if err != nil || next != "" || len(got) != len(want) || len(want) > 0 && !cmp.Equal(got, want) {
		t.Errorf("Orders of %s: cursor %q, %v, %s", customer, next, err, cmp.Diff(want, got))
	}
}

// placedFieldsAreWrittenOnce: lines, total and address are written once. Otherwise a later write
// would drop what a newer version added to a line or to the address.
func placedFieldsAreWrittenOnce(t *testing.T, s orders.Store) {
	o := order("alice", 1)
	aggregate.Put(t, s, o)
	next := order("alice", 1)
	next.Version, next.Status = 2, orders.StatusRejected
	next.Items, next.Total.Amount, next.ShippingAddress.City = next.Items[:1], 1, "Paris"
	aggregate.Put(t, s, next)
	o.Version, o.Status = 2, orders.StatusRejected
	aggregate.Want(t, s, o)
}

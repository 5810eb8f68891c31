package orders_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	catalog "orderflow/internal/catalog/contract"
	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
)

func TestOrderIsPricedByThePriceBook(t *testing.T) {
	s := open(t)
	in := placement(orders.Line{SKU: "TEA", Quantity: 1}, orders.Line{SKU: "MUG", Quantity: 2})
	o, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, in)
	must(t, err)
	eur := func(n int64) money.Money { return money.Money{Currency: "EUR", Amount: n} }
	want := []contract.Item{
		{SKU: "TEA", Quantity: 1, UnitPrice: eur(799)}, {SKU: "MUG", Quantity: 2, UnitPrice: eur(1999)},
	}
	if !cmp.Equal(o.Items, want) || o.Total != eur(4797) {
		t.Errorf("items %v, total %v", o.Items, o.Total)
	}
	if o.Status != orders.StatusPending || o.Closed || o.Version != 1 || o.CreatedAt != s.clock.Now() {
		t.Errorf("placed as %+v", o)
	}
	if !cmp.Equal(s.order(o.OrderID), o) {
		t.Error("the stored order differs from the one returned")
	}
}

func TestCreatedHasAllThatFulfilmentNeeds(t *testing.T) {
	s := open(t)
	o, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, placement(orders.Line{SKU: "MUG", Quantity: 2}))
	must(t, err)
	events, err := s.store.Outbox(t.Context())
	if err != nil || len(events) != 1 || events[0].Subject != o.OrderID || events[0].AggregateVersion != 1 {
		t.Fatalf("outbox %v, %v", events, err)
	}
	got, err := envelope.Decode[contract.Created](events[0])
	want := contract.Created{
		OrderID: o.OrderID, CustomerID: "alice", CustomerEmail: "alice@example.com", Items: o.Items, Total: o.Total,
		PaymentMethod: "pm_card_visa", ShippingAddress: home,
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %s", err, cmp.Diff(want, got))
	}
	if got := s.emitted(); got != "created" {
		t.Errorf("emitted %q", got)
	}
}

func TestRefusedOrderWritesNothing(t *testing.T) {
	many := make([]orders.Line, 41)
	for i := range many {
		many[i] = orders.Line{SKU: fmt.Sprint("S", i), Quantity: 1}
	}
	type lines = []orders.Line
	for name, c := range map[string]struct {
		lines  lines
		want   error
		detail string
	}{
		"same SKU twice":       {lines{{"MUG", 1}, {"TEA", 1}, {"MUG", 2}}, orders.ErrDuplicateSKU, "lines 1 and 3"},
		"unknown SKUs":         {lines{{"X-1", 1}, {"MUG", 1}, {"X-2", 1}}, orders.ErrUnknownSKU, "lines 1, 3"},
		"SKU in other case":    {lines{{"mug", 1}}, orders.ErrUnknownSKU, "lines 1"},
		"different currencies": {lines{{"MUG", 1}, {"POT", 1}}, money.ErrCurrency, ""},
		"no line":              {nil, orders.ErrLines, ""},
		"41 lines":             {many, orders.ErrLines, ""},
		"no piece":             {lines{{"MUG", 0}}, orders.ErrLines, ""},
		"1000 pieces":          {lines{{"MUG", 1000}}, orders.ErrLines, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			req := idempotency.Request{Scope: "alice", Key: "k", Hash: "h"}
			_, _, err := s.PlaceOrder(t.Context(), req, placement(c.lines...))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.detail) ||
				strings.Contains(err.Error(), "X-1") {
				t.Errorf("got %v, want %v with %q", err, c.want, c.detail)
			}
			if got := s.emitted(); got != "" {
				t.Errorf("emitted %q", got)
			}
			if _, ok, err := s.store.Reply(t.Context(), "alice", "k"); ok || err != nil {
				t.Errorf("the refusal was stored: %v, %v", ok, err)
			}
			found, _, err := s.ListOrders(t.Context(), "alice", orders.Listing{Limit: 10})
			if len(found) > 0 || err != nil {
				t.Errorf("orders %v, %v", found, err)
			}
		})
	}
}

func TestAnOrderWhoseTotalDiffersFromTheExpectedIsRefused(t *testing.T) {
	now := money.Money{Currency: "EUR", Amount: 3998}
	for name, expected := range map[string]money.Money{
		"less":             {Currency: "EUR", Amount: 3997},
		"more":             {Currency: "EUR", Amount: 3999},
		"another currency": {Currency: "USD", Amount: 3998},
	} {
		s := open(t)
		in := placement(orders.Line{SKU: "MUG", Quantity: 2})
		in.ExpectedTotal = &expected
		req := idempotency.Request{Scope: "alice", Key: "k", Hash: "h"}
		_, _, err := s.PlaceOrder(t.Context(), req, in)
		if !errors.Is(err, orders.ErrTotalChanged) || fault.From(err).Members["total"] != now {
			t.Errorf("%s: %v, %v; want ErrTotalChanged with %v", name, err, fault.From(err).Members, now)
		}
		if _, ok, err := s.store.Reply(t.Context(), "alice", "k"); ok || err != nil || s.emitted() != "" {
			t.Errorf("%s: the refusal was stored: %v, %v", name, ok, err)
		}
		in.ExpectedTotal = &now
		if o, _, err := s.PlaceOrder(t.Context(), req, in); err != nil || o.Total != now {
			t.Errorf("%s: at the present total: %v, %v", name, o.Total, err)
		}
	}
}

func TestATotalThatOverflowsIsRefused(t *testing.T) {
	s := open(t)
	huge := catalog.PriceChanged{SKU: "GOLD", Price: money.Money{Currency: "EUR", Amount: 1 << 60}, Version: 1}
	must(t, s.ProjectPrice(t.Context(), huge))
	_, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, placement(orders.Line{SKU: "GOLD", Quantity: 9}))
	if !errors.Is(err, money.ErrOverflow) {
		t.Errorf("got %v, want ErrOverflow", err)
	}
}

func TestSameKeyGivesTheSameOrder(t *testing.T) {
	s := open(t)
	req := idempotency.Request{Scope: "alice", Key: "k", Hash: "h"}
	in := placement(orders.Line{SKU: "MUG", Quantity: 2})
	first, replayed, err := s.PlaceOrder(t.Context(), req, in)
	if err != nil || replayed {
		t.Fatalf("first: replayed %v, %v", replayed, err)
	}
	_, err = s.reject(first.OrderID)
	must(t, err)
	again, replayed, err := s.PlaceOrder(t.Context(), req, in)
	if err != nil || !replayed || !cmp.Equal(first, again) {
		t.Errorf("again: replayed %v, %v, %s", replayed, err, cmp.Diff(first, again))
	}
	req.Hash = "other"
	if _, _, err := s.PlaceOrder(t.Context(), req, in); !errors.Is(err, idempotency.ErrKeyReused) {
		t.Errorf("another request: %v, want ErrKeyReused", err)
	}
	if got := s.emitted(); got != "created rejected" {
		t.Errorf("emitted %q", got)
	}
}

func TestWithoutAKeyEveryRequestPlacesAnOrder(t *testing.T) {
	s := open(t)
	if a, b := s.place(), s.place(); a.OrderID == b.OrderID {
		t.Error("two requests placed one order")
	}
}

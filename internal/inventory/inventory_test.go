package inventory_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/schema"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// shop is inventory over the memory store, with ten mugs and ten spoons.
type shop struct {
	*inventory.Service
	store *memory.Store
	clock *clock.Manual
}

func newShop(t testing.TB) shop {
	t.Helper()
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	store := memory.New(c)
	s := shop{inventory.New(store, c, &ids.Sequence{}), store, c}
	for _, sku := range []string{"mug", "spoon"} {
		_, _, err := s.AdjustStock(t.Context(), idempotency.Request{}, adjustment(sku, 10))
		must(t, err)
	}
	store.TakeOutbox() // of the adjustments
	return s
}

// adjustment adjusts the stock of any SKU.
func adjustment(sku string, delta int) inventory.Adjustment {
	adjusted := contract.Adjusted{SKU: sku, Delta: delta, Reason: "test", By: "olga"}
	return inventory.Adjustment{Adjusted: adjusted, AllowUnknownSKU: true}
}

// input orders two mugs and three spoons.
func input(order string) contract.Step {
	lines := []contract.Line{{SKU: "mug", Quantity: 2}, {SKU: "spoon", Quantity: 3}}
	return contract.Step{OrderID: order, CustomerID: "c", Items: lines}
}

func TestReserveTakesAllLinesOrNone(t *testing.T) {
	s := newShop(t)
	in := input(order)
	in.Items[1].Quantity = 11
	_, err := s.ReserveStock(t.Context(), in)
	if !errors.Is(err, inventory.ErrOutOfStock) || fault.KindOf(err) != fault.Refused {
		t.Errorf("eleven of ten: %v, want ErrOutOfStock, which is final", err)
	}
	if !strings.HasSuffix(err.Error(), "(short: 2:1)") {
		t.Errorf("%v does not say that one of line 2 is missing", err)
	}
	in.Items = append(in.Items, contract.Line{SKU: "never stocked", Quantity: 7})
	if _, err = s.ReserveStock(t.Context(), in); !strings.HasSuffix(err.Error(), "(short: 2:1 3:7)") {
		t.Errorf("%v does not say what is missing of lines 2 and 3", err)
	}
	in.Items = in.Items[:2]
	wantStock(t, s, 10, 0, 0)
	wantEvents(t, s)
	in.Items[1].Quantity = 3
	got, err := s.ReserveStock(t.Context(), in)
	want(t, got, "RESERVED", err)
	wantStock(t, s, 8, 2, 0)
	wantEvents(t, s, contract.StockReserved)
}

func TestStockGoesFromShelfToReservedToShippedAndBack(t *testing.T) {
	s := newShop(t)
	for _, step := range []struct {
		run                          use
		status                       string
		available, reserved, shipped int
	}{
		{s.ReserveStock, "RESERVED", 8, 2, 0},
		{s.CommitStock, "COMMITTED", 8, 0, 2},
		{s.ReleaseStock, "RELEASED", 10, 0, 0},
	} {
		for range 2 { // the second is a duplicate
			s.clock.Advance(time.Second)
			got, err := step.run(t.Context(), input(order))
			want(t, got, step.status, err)
			wantStock(t, s, step.available, step.reserved, step.shipped)
		}
	}
	wantEvents(t, s, contract.StockReserved, contract.StockCommitted, contract.StockReleased)
	r, err := s.GetReservation(t.Context(), order)
	if err != nil || r.Status != inventory.StatusReleased || r.Version != 3 || r.CustomerID != "c" ||
		!slices.Equal(r.Items, input(order).Items) {
		t.Errorf("reservation %+v, %v", r, err)
	}
}

func TestOrdersWithoutAReservationAreLeftOut(t *testing.T) {
	s := newShop(t)
	if _, err := s.ReserveStock(t.Context(), input(order)); err != nil {
		t.Fatal(err)
	}
	list, err := s.ListReservations(t.Context(), []string{"other", order})
	if err != nil || len(list) != 1 || list[0].OrderID != order {
		t.Errorf("ListReservations = %+v, %v", list, err)
	}
}

func TestReleaseWithoutAReservationOnlyBarsTheSteps(t *testing.T) {
	s := newShop(t)
	for range 2 {
		got, err := s.ReleaseStock(t.Context(), input(order))
		want(t, got, "", err)
	}
	for name, run := range map[string]use{"reserve": s.ReserveStock, "commit": s.CommitStock} {
		if _, err := run(t.Context(), input(order)); !errors.Is(err, barrier.ErrCompensated) {
			t.Errorf("late %s: %v, want ErrCompensated", name, err)
		}
	}
	wantStock(t, s, 10, 0, 0)
	wantEvents(t, s)
	if _, err := s.GetReservation(t.Context(), order); !errors.Is(err, inventory.ErrNoReservation) {
		t.Errorf("reservation: %v, want none", err)
	}
}

func TestCommitNeedsAReservation(t *testing.T) {
	s := newShop(t)
	if _, err := s.CommitStock(t.Context(), input(order)); !errors.Is(err, inventory.ErrNoReservation) {
		t.Errorf("commit of nothing: %v, want ErrNoReservation", err)
	}
	wantStock(t, s, 10, 0, 0)
}

func TestStepWithoutOrderOrProperLinesIsInvalid(t *testing.T) {
	s := newShop(t)
	for name, in := range map[string]contract.Step{
		"no order":      {Items: input(order).Items},
		"no lines":      {OrderID: order},
		"no SKU":        {OrderID: order, Items: []contract.Line{{Quantity: 1}}},
		"none of a SKU": {OrderID: order, Items: []contract.Line{{SKU: "mug"}}},
		"less":          {OrderID: order, Items: []contract.Line{{SKU: "mug", Quantity: -1}}},
		"a SKU twice":   {OrderID: order, Items: []contract.Line{{SKU: "mug", Quantity: 1}, {SKU: "mug", Quantity: 1}}},
	} {
		_, err := s.ReserveStock(t.Context(), in)
		wantInvalid(t, name, err)
	}
	for name, run := range map[string]use{"commit": s.CommitStock, "release": s.ReleaseStock} {
		_, err := run(t.Context(), contract.Step{})
		wantInvalid(t, name, err)
	}
	wantStock(t, s, 10, 0, 0)
}

func TestOnlyProductsOfTheCatalogGetStock(t *testing.T) {
	s := newShop(t)
	adjust := func(sku string, unknown bool) error {
		a := adjustment(sku, 5)
		a.AllowUnknownSKU = unknown
		_, _, err := s.AdjustStock(t.Context(), idempotency.Request{}, a)
		return err
	}
	must(t, s.ProjectProduct(t.Context(), "pot"))
	for _, misspelt := range []string{"pott", "POT", "mugg"} {
		if err := adjust(misspelt, false); !errors.Is(err, inventory.ErrUnknownSKU) ||
			fault.KindOf(err) != fault.Refused {
			t.Errorf("%s: %v, want ErrUnknownSKU", misspelt, err)
		}
		if _, err := s.GetStock(t.Context(), misspelt); !errors.Is(err, inventory.ErrNoStock) {
			t.Errorf("%s has stock after it was refused: %v", misspelt, err)
		}
	}
	if events := s.store.TakeOutbox(); len(events) > 0 {
		t.Errorf("refused adjustments left %v", events)
	}
	must(t, adjust("pot", false))
	must(t, adjust("mug", false)) // has stock, but is not a known product
	must(t, adjust("sample-card", true))
	must(t, adjust("sample-card", false))
	must(t, s.ProjectProduct(t.Context(), "pot")) // again
}

func TestAdjustmentNeverTakesReservedStock(t *testing.T) {
	s := newShop(t)
	_, err := s.ReserveStock(t.Context(), input(order))
	must(t, err)
	adjust := func(sku string, delta int) (inventory.Stock, bool, error) {
		return s.AdjustStock(t.Context(), idempotency.Request{}, adjustment(sku, delta))
	}
	if _, _, err := adjust("mug", -9); !errors.Is(err, inventory.ErrBelowZero) {
		t.Errorf("nine of eight: %v, want ErrBelowZero", err)
	}
	if _, _, err := adjust("unknown", -1); !errors.Is(err, inventory.ErrBelowZero) {
		t.Errorf("one of none: %v, want ErrBelowZero", err)
	}
	got, replayed, err := adjust("mug", -8)
	if wanted := (inventory.Stock{SKU: "mug", Reserved: 2}); got != wanted || replayed || err != nil {
		t.Errorf("eight of eight: %+v, %v; want %+v", got, err, wanted)
	}
}

func TestAdjustmentWithAKeyCountsOnce(t *testing.T) {
	s := newShop(t)
	req := idempotency.Request{Scope: "op", Key: "k", Hash: "h"}
	for i := range 2 {
		got, replayed, err := s.AdjustStock(t.Context(), req, adjustment("mug", 5))
		if got.Available != 15 || replayed != (i == 1) || err != nil {
			t.Errorf("%d: %+v, %v, %v", i, got, replayed, err)
		}
	}
	req.Hash = "other"
	if _, _, err := s.AdjustStock(t.Context(), req, adjustment("mug", 6)); !errors.Is(err, idempotency.ErrKeyReused) {
		t.Errorf("another request: %v, want ErrKeyReused", err)
	}
	wantStock(t, s, 15, 0, 0)
}

// Old and new versions of adjust-stock replay each other's replies, so the members keep their
// meaning.
func TestStoredRepliesKeepTheirMeaning(t *testing.T) {
	const stored = `{"sku":"mug","onHand":8,"reserved":2,"shipped":1}`
	s := inventory.Stock{SKU: "mug", Available: 8, Reserved: 2, Shipped: 1}
	if b, err := json.Marshal(s); err != nil || string(b) != stored {
		t.Errorf("%s, %v; want %s", b, err, stored)
	}
	if s.OnHand() != 10 {
		t.Errorf("%d on hand, want 10", s.OnHand())
	}
}

// wantStock checks the stock of mugs.
func wantStock(t *testing.T, s shop, available, reserved, shipped int) {
	t.Helper()
	wanted := inventory.Stock{SKU: "mug", Available: available, Reserved: reserved, Shipped: shipped}
	if got, err := s.GetStock(t.Context(), "mug"); got != wanted || err != nil {
		t.Errorf("stock = %+v, %v; want %+v", got, err, wanted)
	}
}

// wantEvents checks the types of all events published so far, and validates them.
func wantEvents(t *testing.T, s shop, types ...string) {
	t.Helper()
	schemas := schema.Load(contract.Schemas)
	published, err := s.store.Outbox(t.Context())
	must(t, err)
	var got []string
	for i, e := range published {
		got = append(got, e.Type)
		if err := schemas.Validate(e); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
		data, err := envelope.Decode[contract.StockMoved](e)
		if err != nil || e.Subject != order || data.OrderID != order ||
			!slices.Equal(data.Items, input(order).Items) || e.AggregateVersion != int64(i+1) {
			t.Errorf("event %d = %+v", i, e)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(types) {
		t.Errorf("published %v, want %v", got, types)
	}
}

func want(t *testing.T, got contract.Result, status string, err error) {
	t.Helper()
	if err != nil || got != (contract.Result{OrderID: order, Status: status}) {
		t.Errorf("result %+v, %v; want %s", got, err, status)
	}
}

func wantInvalid(t *testing.T, name string, err error) {
	t.Helper()
	if f := fault.From(err); err == nil || f.Kind != fault.Invalid || f.Code != "InvalidInput" {
		t.Errorf("%s: %v, want InvalidInput", name, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

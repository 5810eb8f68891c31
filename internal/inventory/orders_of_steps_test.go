package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/idempotency"
)

// use is a use case that the saga calls.
type use = func(context.Context, contract.Step) (contract.Result, error)

// permutations calls visit with every order of steps.
func permutations(steps []string, visit func([]string)) {
	var extend func(done, left []string)
	extend = func(done, left []string) {
		if len(left) == 0 {
			visit(done)
		}
		for i := range left {
			extend(append(slices.Clone(done), left[i]), slices.Delete(slices.Clone(left), i, i+1))
		}
	}
	extend(nil, steps)
}

func (s shop) step(name string) use {
	return map[string]use{
		"reserve": s.ReserveStock, "late reserve": s.ReserveStock, "commit": s.CommitStock,
		"release": s.ReleaseStock, "duplicate release": s.ReleaseStock,
	}[name]
}

func TestReleasedOrderHoldsNothingAfterStepsInAnyOrder(t *testing.T) {
	permutations([]string{"reserve", "late reserve", "commit", "release", "duplicate release"}, func(steps []string) {
		s := newShop(t)
		for _, name := range steps {
			_, err := s.step(name)(t.Context(), input(order))
			if err != nil && !errors.Is(err, barrier.ErrCompensated) && !errors.Is(err, inventory.ErrNoReservation) {
				t.Errorf("%v: %s: %v", steps, name, err)
			}
			wantConserved(t, s, fmt.Sprint(steps, " after ", name), map[string]int{"mug": 10, "spoon": 10})
		}
		if got := buckets(t, s, "mug"); got != [3]int{10, 0, 0} {
			t.Errorf("%v: mugs end as %v", steps, got)
		}
	})
}

func TestOrderIsReservedOnceByStepsInAnyOrder(t *testing.T) {
	permutations([]string{"reserve", "late reserve", "commit"}, func(steps []string) {
		s := newShop(t)
		for _, name := range steps {
			_, err := s.step(name)(t.Context(), input(order))
			if err != nil && !errors.Is(err, inventory.ErrNoReservation) {
				t.Errorf("%v: %s: %v", steps, name, err)
			}
		}
		wanted := [3]int{8, 0, 2}
		if steps[0] == "commit" { // too early; the saga retries it
			wanted = [3]int{8, 2, 0}
		}
		if got := buckets(t, s, "mug"); got != wanted {
			t.Errorf("%v: mugs end as %v, want %v", steps, got, wanted)
		}
	})
}

// held is an order in the model.
type held struct {
	in                          contract.Step
	reserved, committed, closed bool
}

// TestUnitsAreConservedByRandomSteps runs random steps of several orders, with duplicates, and
// compares results and stock with a model.
func TestUnitsAreConservedByRandomSteps(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newShop(t)
		stock := map[string][3]int{"mug": {10}, "spoon": {10}} // available, reserved, shipped
		total := map[string]int{"mug": 10, "spoon": 10}
		orders := map[string]*held{}
		pick := func(r *rapid.T) *held {
			id := rapid.SampledFrom([]string{"o1", "o2", "o3", "o4"}).Draw(r, "order")
			if orders[id] == nil {
				lines := []contract.Line{{SKU: "mug", Quantity: rapid.IntRange(1, 6).Draw(r, "mugs")}}
				if n := rapid.IntRange(0, 6).Draw(r, "spoons"); n > 0 {
					lines = append(lines, contract.Line{SKU: "spoon", Quantity: n})
				}
				orders[id] = &held{in: contract.Step{OrderID: id, CustomerID: "c", Items: lines}}
			}
			return orders[id]
		}
		move := func(o *held, from, to int) {
			for _, l := range o.in.Items {
				b := stock[l.SKU]
				b[from], b[to] = b[from]-l.Quantity, b[to]+l.Quantity
				stock[l.SKU] = b
			}
		}
		short := func(o *held) bool {
			return slices.ContainsFunc(o.in.Items, func(l contract.Line) bool { return stock[l.SKU][0] < l.Quantity })
		}
		expect := func(run use, o *held, status string, wanted error) {
			got, err := run(t.Context(), o.in)
			if !errors.Is(err, wanted) || err == nil && got.Status != status {
				r.Fatalf("%s: %+v, %v; want %q, %v", o.in.OrderID, got, err, status, wanted)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"reserve": func(r *rapid.T) {
				switch o := pick(r); {
				case !o.reserved && o.closed:
					expect(s.ReserveStock, o, "", barrier.ErrCompensated)
				case !o.reserved && short(o):
					expect(s.ReserveStock, o, "", inventory.ErrOutOfStock)
				case !o.reserved:
					o.reserved = true
					move(o, 0, 1)
					fallthrough
				default:
					expect(s.ReserveStock, o, "RESERVED", nil)
				}
			},
			"commit": func(r *rapid.T) {
				switch o := pick(r); {
				case !o.committed && o.closed:
					expect(s.CommitStock, o, "", barrier.ErrCompensated)
				case !o.reserved:
					expect(s.CommitStock, o, "", inventory.ErrNoReservation)
				case !o.committed:
					o.committed = true
					move(o, 1, 2)
					fallthrough
				default:
					expect(s.CommitStock, o, "COMMITTED", nil)
				}
			},
			"release": func(r *rapid.T) {
				o := pick(r)
				if !o.closed && o.committed {
					move(o, 2, 0)
				} else if !o.closed && o.reserved {
					move(o, 1, 0)
				}
				o.closed = true
				expect(s.ReleaseStock, o, map[bool]string{true: "RELEASED"}[o.reserved], nil)
			},
			"adjust": func(r *rapid.T) {
				delta := rapid.IntRange(-4, 4).Draw(r, "delta")
				b := stock["mug"]
				_, _, err := s.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", delta))
				if refused := b[0]+delta < 0; refused != errors.Is(err, inventory.ErrBelowZero) ||
					!refused && err != nil {
					r.Fatalf("adjust %d by %d: %v", b[0], delta, err)
				}
				if err == nil {
					b[0] += delta
					total["mug"] += delta
					stock["mug"] = b
				}
			},
			"": func(r *rapid.T) {
				wantConserved(r, s, "any time", total)
				for sku, wanted := range stock {
					if got := buckets(r, s, sku); got != wanted {
						r.Fatalf("%s = %v, want %v", sku, got, wanted)
					}
				}
			},
		})
	})
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

func buckets(t failer, s shop, sku string) [3]int {
	t.Helper()
	got, err := s.GetStock(context.Background(), sku)
	if err != nil {
		t.Fatalf("stock of %s: %v", sku, err)
	}
	return [3]int{got.Available, got.Reserved, got.Shipped}
}

// wantConserved asserts that no unit came or went, and no bucket is negative.
func wantConserved(t failer, s shop, when string, total map[string]int) {
	t.Helper()
	for sku, n := range total {
		b := buckets(t, s, sku)
		if b[0]+b[1]+b[2] != n || slices.Min(b[:]) < 0 {
			t.Fatalf("%s: %s = %v; want %d in all and none negative", when, sku, b, n)
		}
	}
}

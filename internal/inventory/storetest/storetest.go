// Package storetest is the suite that every inventory store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/storesuite"
)

// Suite is what every inventory store has to pass.
var Suite = storesuite.Suite[inventory.Store]{
	Cases: []func(*testing.T, inventory.Store){
		unknownItemsAreNotFound, productIsLearntOnce, moveChangesBothBuckets, moveWithAShortLineChangesNothing,
		onlyTheNextVersionIsMoved, adjustFromOtherStockLosesTheRace, concurrentReservesNeverOversell,
		overdueListsOldReservations,
		reservationsAreReadInOneBatch,
	},
	Kinds: map[string]storesuite.Kind[inventory.Store]{
		"Stock": {
			Write: func(t *testing.T, s inventory.Store) { stock(t, s, "a", 5) },
			Rewrite: func(t *testing.T, s inventory.Store) {
				must(t, s.Adjust(t.Context(), inventory.Stock{SKU: "a", Available: 5}, 1, commit.With{}))
				r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 2})
				move(t, s, r, inventory.Available, inventory.Reserved)
				wantStock(t, s, inventory.Stock{SKU: "a", Available: 4, Reserved: 2})
			},
		},
		"Product": {
			Write:   func(t *testing.T, s inventory.Store) { must(t, s.LearnProduct(t.Context(), "a")) },
			Rewrite: func(t *testing.T, s inventory.Store) { must(t, s.LearnProduct(t.Context(), "a")) },
		},
		"Reservation": {
			Write: func(t *testing.T, s inventory.Store) {
				stock(t, s, "a", 5)
				r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 2})
				move(t, s, r, inventory.Available, inventory.Reserved)
			},
			Rewrite: func(t *testing.T, s inventory.Store) {
				r := reservation("1", 2, inventory.StatusCommitted, contract.Line{SKU: "a", Quantity: 2})
				move(t, s, r, inventory.Reserved, inventory.Shipped)
				r = reservation("1", 3, inventory.StatusReleased, contract.Line{SKU: "a", Quantity: 2})
				move(t, s, r, inventory.Shipped, inventory.Available)
				wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
			},
		},
	},
}

func unknownItemsAreNotFound(t *testing.T, s inventory.Store) {
	if _, err := s.Stock(t.Context(), "none"); !errors.Is(err, inventory.ErrNoStock) {
		t.Errorf("Stock: %v, want ErrNoStock", err)
	}
	if _, err := s.Reservation(t.Context(), "none"); !errors.Is(err, inventory.ErrNoReservation) {
		t.Errorf("Reservation: %v, want ErrNoReservation", err)
	}
}

func productIsLearntOnce(t *testing.T, s inventory.Store) {
	for _, want := range []bool{false, true, true} {
		if known, err := s.Product(t.Context(), "a"); err != nil || known != want {
			t.Errorf("Product = %t, %v; want %t", known, err, want)
		}
		must(t, s.LearnProduct(t.Context(), "a"))
	}
	if known, err := s.Product(t.Context(), "A"); err != nil || known {
		t.Errorf("another product is known: %t, %v", known, err)
	}
	if _, err := s.Stock(t.Context(), "a"); !errors.Is(err, inventory.ErrNoStock) {
		t.Errorf("a product without stock: %v, want ErrNoStock", err)
	}
}

func overdueListsOldReservations(t *testing.T, s inventory.Store) {
	stock(t, s, "a", 20)
	want := 0
	for n := range 12 { // over several partitions of the index
		r := reservation(fmt.Sprint("order-", n), 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
		r.UpdatedAt = storesuite.Start.Add(time.Duration(n) * time.Second)
		move(t, s, r, inventory.Available, inventory.Reserved)
		switch {
		case n%4 == 1:
			r.Version, r.Status = 2, inventory.StatusCommitted
			move(t, s, r, inventory.Reserved, inventory.Shipped)
		case n < 6:
			want++
		}
	}
	limit := storesuite.Start.Add(6 * time.Second)
	found, err := s.Overdue(t.Context(), limit)
	must(t, err)
	for _, r := range found {
		if r.Status != inventory.StatusReserved || !r.UpdatedAt.Before(limit) || len(r.Items) != 1 {
			t.Errorf("overdue: %+v", r)
		}
	}
	if len(found) != want {
		t.Errorf("%d overdue reservations, want %d", len(found), want)
	}
}

func moveChangesBothBuckets(t *testing.T, s inventory.Store) {
	stock(t, s, "a", 5)
	r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 3})
	move(t, s, r, inventory.Available, inventory.Reserved)
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 2, Reserved: 3})
	got, err := s.Reservation(t.Context(), "1")
	if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
		t.Errorf("Reservation = %v, %v; want %v", got, err, r)
	}
	r.Version, r.Status = 2, inventory.StatusCommitted
	move(t, s, r, inventory.Reserved, inventory.Shipped)
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 2, Shipped: 3})
}

func moveWithAShortLineChangesNothing(t *testing.T, s inventory.Store) {
	stock(t, s, "a", 5)
	stock(t, s, "b", 1)
	for _, lack := range []contract.Line{{SKU: "b", Quantity: 2}, {SKU: "unknown", Quantity: 1}} {
		r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1}, lack)
		err := s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{})
		if !errors.Is(err, inventory.ErrOutOfStock) {
			t.Errorf("Move with too little of %s: %v, want ErrOutOfStock", lack.SKU, err)
		}
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
	if _, err := s.Reservation(t.Context(), "1"); !errors.Is(err, inventory.ErrNoReservation) {
		t.Errorf("Reservation after a refused move: %v, want ErrNoReservation", err)
	}
}

func onlyTheNextVersionIsMoved(t *testing.T, s inventory.Store) {
	stock(t, s, "a", 5)
	storesuite.NextVersionOnly(t, func(order string, version int64) error {
		r := reservation(order, version, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
		return s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{})
	})
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 3, Reserved: 2})
}

func adjustFromOtherStockLosesTheRace(t *testing.T, s inventory.Store) {
	stock(t, s, "a", 5)
	for _, available := range []int{0, 4} {
		before := inventory.Stock{SKU: "a", Available: available}
		if err := s.Adjust(t.Context(), before, 1, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Adjust from %d where 5 are available: %v, want ErrLostRace", available, err)
		}
	}
	// A change of the other buckets counts, too: the response reports all three.
	for _, before := range []inventory.Stock{
		{SKU: "a", Available: 5, Reserved: 1}, {SKU: "a", Available: 5, Shipped: 1},
	} {
		if err := s.Adjust(t.Context(), before, 1, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Adjust from %+v where none is reserved or shipped: %v, want ErrLostRace", before, err)
		}
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
}

func concurrentReservesNeverOversell(t *testing.T, s inventory.Store) {
	const units, orders = 5, 12
	stock(t, s, "a", units)
	won := storesuite.Winners(t, orders, inventory.ErrOutOfStock, func(n int) error {
		r := reservation(fmt.Sprint(n), 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
		_, err := fault.RetryLostRace(func() (none struct{}, err error) {
			return none, s.Move(context.Background(), r, inventory.Available, inventory.Reserved, commit.With{})
		})
		return err
	})
	if won > units {
		t.Errorf("%d units reserved of %d", won, units)
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: units - won, Reserved: won})
}

func reservation(order string, version int64, status inventory.Status, items ...contract.Line) inventory.Reservation {
	return inventory.Reservation{
		OrderID: order, CustomerID: "c", Status: status, Items: items, Version: version, UpdatedAt: storesuite.Start,
	}
}

func stock(t *testing.T, s inventory.Store, sku string, n int) {
	t.Helper()
	must(t, s.Adjust(t.Context(), inventory.Stock{SKU: sku}, n, commit.With{}))
}

func move(t *testing.T, s inventory.Store, r inventory.Reservation, from, to inventory.Bucket) {
	t.Helper()
	must(t, s.Move(t.Context(), r, from, to, commit.With{}))
}

func wantStock(t *testing.T, s inventory.Store, want inventory.Stock) {
	t.Helper()
	if got, err := s.Stock(t.Context(), want.SKU); err != nil || got != want {
		t.Errorf("Stock(%s) = %+v, %v; want %+v", want.SKU, got, err, want)
	}
}

var must = storesuite.Must

func reservationsAreReadInOneBatch(t *testing.T, s inventory.Store) {
	stock(t, s, "a", 5)
	for _, id := range []string{"1", "2", "3"} {
		r := reservation(id, 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
		must(t, s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}))
	}
	found, err := s.Reservations(t.Context(), []string{"3", "none", "1"})
	storesuite.WantMany(t, found, err, "3", "1")
	if len(found) > 0 && len(found[0].Items) != 1 {
		t.Errorf("found %+v", found[0])
	}
}

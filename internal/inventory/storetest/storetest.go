// Package storetest is the suite that every inventory store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/storesuite"
)

// Store is what the suite needs of a store.
type Store interface {
	inventory.Store
	storesuite.Store
}

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) Store) {
	storesuite.Run(t, open)
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, Store){
		"UnknownThingsAreNotFound":              unknown,
		"AProductIsLearntOnce":                  products,
		"MoveTakesFromOneBucketToAnother":       moves,
		"MoveIsRefusedAsAWholeWhenALineIsShort": short,
		"MoveLosesTheRaceAgainstANewerVersion":  stale,
		"AdjustLosesTheRaceAgainstAnotherOne":   adjustRace,
		"ConcurrentReservesNeverOversell":       oversell,
		"OverdueAreTheReservedOnesOfBefore":     overdue,
	})
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func unknown(t *testing.T, s Store) {
	if _, err := s.Stock(t.Context(), "none"); !errors.Is(err, inventory.ErrNoStock) {
		t.Errorf("Stock: %v, want ErrNoStock", err)
	}
	if _, err := s.Reservation(t.Context(), "none"); !errors.Is(err, inventory.ErrNoReservation) {
		t.Errorf("Reservation: %v, want ErrNoReservation", err)
	}
}

func products(t *testing.T, s Store) {
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
		t.Errorf("a product that was never stocked: %v, want ErrNoStock", err)
	}
}

func overdue(t *testing.T, s Store) {
	stock(t, s, "a", 20)
	want := 0
	for n := range 12 { // over several partitions of the index
		r := reservation(fmt.Sprint("order-", n), 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
		r.UpdatedAt = start.Add(time.Duration(n) * time.Second)
		must(t, s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}))
		switch {
		case n%4 == 1:
			r.Version, r.Status = 2, inventory.StatusCommitted
			must(t, s.Move(t.Context(), r, inventory.Reserved, inventory.Shipped, commit.With{}))
		case n < 6:
			want++
		}
	}
	found, err := s.Overdue(t.Context(), start.Add(6*time.Second))
	must(t, err)
	for _, r := range found {
		if r.Status != inventory.StatusReserved || !r.UpdatedAt.Before(start.Add(6*time.Second)) || len(r.Items) != 1 {
			t.Errorf("overdue: %+v", r)
		}
	}
	if len(found) != want {
		t.Errorf("%d are overdue, want %d", len(found), want)
	}
}

func moves(t *testing.T, s Store) {
	stock(t, s, "a", 5)
	r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 3})
	must(t, s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}))
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 2, Reserved: 3})
	got, err := s.Reservation(t.Context(), "1")
	if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
		t.Errorf("Reservation = %v, %v; want %v", got, err, r)
	}
	r.Version, r.Status = 2, inventory.StatusCommitted
	must(t, s.Move(t.Context(), r, inventory.Reserved, inventory.Shipped, commit.With{}))
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 2, Shipped: 3})
}

func short(t *testing.T, s Store) {
	stock(t, s, "a", 5)
	stock(t, s, "b", 1)
	for _, lack := range []contract.Line{{SKU: "b", Quantity: 2}, {SKU: "unknown", Quantity: 1}} {
		r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1}, lack)
		if err := s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}); !errors.Is(err, inventory.ErrOutOfStock) {
			t.Errorf("Move with too little of %s: %v, want ErrOutOfStock", lack.SKU, err)
		}
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
	if _, err := s.Reservation(t.Context(), "1"); !errors.Is(err, inventory.ErrNoReservation) {
		t.Errorf("Reservation after a refused move: %v, want ErrNoReservation", err)
	}
}

func stale(t *testing.T, s Store) {
	stock(t, s, "a", 5)
	r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
	must(t, s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}))
	for _, version := range []int64{1, 3} {
		r.Version = version
		if err := s.Move(t.Context(), r, inventory.Reserved, inventory.Shipped, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Move to version %d over version 1: %v, want ErrLostRace", version, err)
		}
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 4, Reserved: 1})
}

func adjustRace(t *testing.T, s Store) {
	stock(t, s, "a", 5)
	for _, available := range []int{0, 4} {
		before := inventory.Stock{SKU: "a", Available: available}
		if err := s.Adjust(t.Context(), before, 1, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Adjust from %d where 5 are available: %v, want ErrLostRace", available, err)
		}
	}
	// Also where as much is available as before: the answer tells of all three buckets.
	for _, before := range []inventory.Stock{{SKU: "a", Available: 5, Reserved: 1}, {SKU: "a", Available: 5, Shipped: 1}} {
		if err := s.Adjust(t.Context(), before, 1, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Adjust from %+v where none is reserved or shipped: %v, want ErrLostRace", before, err)
		}
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
}

func oversell(t *testing.T, s Store) {
	const units, orders = 5, 12
	stock(t, s, "a", units)
	var wg sync.WaitGroup
	results := make(chan error, orders)
	for i := range orders {
		wg.Go(func() {
			r := reservation(fmt.Sprint(i), 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 1})
			_, err := fault.RetryLostRace(func() (struct{}, error) {
				return struct{}{}, s.Move(context.Background(), r, inventory.Available, inventory.Reserved, commit.With{})
			})
			results <- err
		})
	}
	wg.Wait()
	close(results)
	won := 0
	for err := range results {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, inventory.ErrOutOfStock) && fault.KindOf(err) != fault.Transient:
			t.Errorf("Move: %v", err)
		}
	}
	if won > units {
		t.Errorf("%d units reserved of %d", won, units)
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: units - won, Reserved: won})
}

func reservation(order string, version int64, status inventory.Status, items ...contract.Line) inventory.Reservation {
	return inventory.Reservation{OrderID: order, CustomerID: "c", Status: status, Items: items, Version: version, UpdatedAt: start}
}

func stock(t *testing.T, s Store, sku string, n int) {
	t.Helper()
	must(t, s.Adjust(t.Context(), inventory.Stock{SKU: sku}, n, commit.With{}))
}

func wantStock(t *testing.T, s Store, want inventory.Stock) {
	t.Helper()
	if got, err := s.Stock(t.Context(), want.SKU); err != nil || got != want {
		t.Errorf("Stock(%s) = %+v, %v; want %+v", want.SKU, got, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

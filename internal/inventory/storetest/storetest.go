// Package storetest is the suite that every inventory store passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
		partsAreMovedInTheirShards, everyGainIsCounted, moreShardsAreMadeOnce, adjustNeedsEveryShardAsBefore,
		shardsAreMergedInAllBuckets, shiftLeavesWhatOrdersMove, shiftNeedsTheGainsOfShard0AndEnough,
		shiftChangesEveryBucket, moveNamesEveryProductThatBlocksIt, availableUnitsAreCountedUntilEnough,
	},
	Kinds: map[string]storesuite.Kind[inventory.Store]{
		"Stock": {
			Write: func(t *testing.T, s inventory.Store) { stock(t, s, "a", 5) },
			Rewrite: func(t *testing.T, s inventory.Store) {
				must(t, s.Adjust(t.Context(), shards(5), shards(6), commit.With{}))
				r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 2})
				move(t, s, r, inventory.Available, inventory.Reserved)
				wantStock(t, s, inventory.Stock{SKU: "a", Available: 4, Reserved: 2})
			},
		},
		"Shard": {
			Write: func(t *testing.T, s inventory.Store) {
				stock(t, s, "a", 5)
				must(t, s.Adjust(t.Context(), shards(5), shards(2, 3), commit.With{}))
			},
			Rewrite: func(t *testing.T, s inventory.Store) {
				before, err := s.Shards(t.Context(), "a")
				must(t, err)
				must(t, s.Adjust(t.Context(), before, shards(3, 3), commit.With{}))
				move(t, s, parted("1", 1, 1, 2), inventory.Available, inventory.Reserved)
				wantStock(t, s, inventory.Stock{SKU: "a", Available: 3, Reserved: 3})
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
	if _, err := s.Shards(t.Context(), "none"); !errors.Is(err, inventory.ErrNoStock) {
		t.Errorf("Shards: %v, want ErrNoStock", err)
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
	if _, err := s.Shards(t.Context(), "a"); !errors.Is(err, inventory.ErrNoStock) {
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
		before := []inventory.Shard{{Stock: inventory.Stock{SKU: "a", Available: available}, Gains: 1}}
		if err := s.Adjust(t.Context(), before, shards(6), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Adjust from %d where 5 are available: %v, want ErrLostRace", available, err)
		}
	}
	// A change of the other buckets counts, too: the response reports all three.
	for _, before := range []inventory.Stock{
		{SKU: "a", Available: 5, Reserved: 1}, {SKU: "a", Available: 5, Shipped: 1},
	} {
		all := []inventory.Shard{{Stock: before, Gains: 1}}
		if err := s.Adjust(t.Context(), all, shards(6), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
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

// shards returns shards of product a with these available units, as after their first adjustment.
func availableUnitsAreCountedUntilEnough(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3, 4)
	stock(t, s, "whole", 7)
	stock(t, s, "sold", 1)
	move(t, s, reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "sold", Quantity: 1}),
		inventory.Available, inventory.Reserved)
	for _, c := range []struct {
		enough int
		least  int // of the split product
	}{{100, 9}, {9, 9}, {2, 2}, {0, 0}} {
		found, err := s.CountAvailable(t.Context(), []string{"none", "sold", "whole", "a"}, c.enough)
		must(t, err)
		sold, known := found["sold"]
		if len(found) != 3 || found["whole"] != 7 || sold != 0 || !known || found["a"] < c.least || found["a"] > 9 {
			t.Errorf("enough is %d: %v", c.enough, found)
		}
	}
}

func shards(available ...int) (all []inventory.Shard) {
	for _, n := range available {
		all = append(all, inventory.Shard{Stock: inventory.Stock{SKU: "a", Available: n}, Gains: 1})
	}
	return all
}

// split stocks product a, and splits it.
func split(t *testing.T, s inventory.Store, available ...int) {
	t.Helper()
	after := shards(available...)
	stock(t, s, "a", inventory.Whole(after).Available)
	must(t, s.Adjust(t.Context(), shards(inventory.Whole(after).Available), after, commit.With{}))
}

// parted is a reservation of product a from several shards.
func parted(order string, version int64, quantities ...int) inventory.Reservation {
	r := reservation(order, version, inventory.StatusReserved, contract.Line{SKU: "a"})
	for n, quantity := range quantities {
		r.Items[0].Quantity += quantity
		r.Parts = append(r.Parts, inventory.Part{SKU: "a", Shard: n, Quantity: quantity})
	}
	return r
}

func partsAreMovedInTheirShards(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3)
	r := parted("1", 1, 1, 2)
	move(t, s, r, inventory.Available, inventory.Reserved)
	got, err := s.Reservation(t.Context(), "1")
	if err != nil || fmt.Sprint(got) != fmt.Sprint(r) {
		t.Errorf("Reservation = %v, %v; want %v", got, err, r)
	}
	err = s.Move(t.Context(), parted("2", 1, 0, 2), inventory.Available, inventory.Reserved, commit.With{})
	var blocked *inventory.Blocked
	if !errors.As(err, &blocked) || blocked.SKU != "a" || !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("two of a shard that has one: %v, want a Blocked with ErrOutOfStock", err)
	}
	got.Version = 2
	move(t, s, got, inventory.Reserved, inventory.Shipped)
	found, err := s.Shards(t.Context(), "a")
	must(t, err)
	for n, want := range []inventory.Stock{{SKU: "a", Available: 1, Shipped: 1}, {SKU: "a", Available: 1, Shipped: 2}} {
		if len(found) != 2 || found[n].Stock != want {
			t.Fatalf("shards are %+v, want shard %d to be %+v", found, n, want)
		}
	}
}

func everyGainIsCounted(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3)
	gains := func() (all [2]int64) {
		found, err := s.Shards(t.Context(), "a")
		must(t, err)
		return [2]int64{found[0].Gains, found[1].Gains}
	}
	before := gains()
	want := func(what string, first, second int64) {
		t.Helper()
		after := gains()
		if got := [2]int64{after[0] - before[0], after[1] - before[1]}; got != [2]int64{first, second} {
			t.Errorf("%s: the shards gained %v times, want %d and %d", what, got, first, second)
		}
		before = after
	}
	r := parted("1", 1, 0, 2)
	r.Parts = r.Parts[1:]
	move(t, s, r, inventory.Available, inventory.Reserved)
	want("reserved", 0, 0)
	r.Version = 2
	move(t, s, r, inventory.Reserved, inventory.Shipped)
	want("shipped", 0, 0)
	r.Version = 3
	move(t, s, r, inventory.Shipped, inventory.Available)
	want("available again", 0, 1)
	found, err := s.Shards(t.Context(), "a")
	must(t, err)
	must(t, s.Adjust(t.Context(), found, found, commit.With{}))
	want("adjusted", 1, 1)
}

func moreShardsAreMadeOnce(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3)
	for _, before := range [][]inventory.Shard{shards(5), shards(2)} {
		if err := s.Adjust(t.Context(), before, shards(1, 1, 3), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("split again from %+v: %v, want ErrLostRace", before, err)
		}
	}
	found, err := s.Shards(t.Context(), "a")
	must(t, err)
	must(t, s.Adjust(t.Context(), found, shards(1, 1, 3), commit.With{}))
	if found, err = s.Shards(t.Context(), "a"); err != nil || len(found) != 3 || found[2].Available != 3 {
		t.Errorf("shards are %+v, %v; want 1, 1 and 3 available", found, err)
	}
}

func adjustNeedsEveryShardAsBefore(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3)
	before, err := s.Shards(t.Context(), "a")
	must(t, err)
	move(t, s, parted("1", 1, 1, 0), inventory.Available, inventory.Reserved)
	r := parted("1", 2, 1, 0)
	move(t, s, r, inventory.Reserved, inventory.Available) // looks as before
	if err := s.Adjust(t.Context(), before, shards(9, 9), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Adjust from shards of which one was used since: %v, want ErrLostRace", err)
	}
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
}

func shardsAreMergedInAllBuckets(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3, 4)
	stock(t, s, "b", 5)
	r := parted("1", 1, 1, 2)
	move(t, s, r, inventory.Available, inventory.Reserved)
	wantSplit(t, s, "a")
	before, err := s.Shards(t.Context(), "a")
	must(t, err)
	whole := []inventory.Shard{{Stock: inventory.Whole(before)}}
	must(t, s.Adjust(t.Context(), before, whole, commit.With{}))
	wantSplit(t, s)
	found, err := s.Shards(t.Context(), "a")
	want := inventory.Stock{SKU: "a", Available: 6, Reserved: 3}
	if err != nil || len(found) != 1 || found[0].Stock != want {
		t.Fatalf("shards are %+v, %v; want %+v in one", found, err, want)
	}
	r.Version, r.Status = 2, inventory.StatusCommitted
	if err := s.Move(t.Context(), r, inventory.Reserved, inventory.Shipped, commit.With{}); !errors.Is(err,
		inventory.ErrOutOfStock) {
		t.Errorf("move where nothing is any more: %v, want ErrOutOfStock", err)
	}
	first := r.Parts
	r.Parts = nil
	move(t, s, r, inventory.Reserved, inventory.Shipped)
	if got, err := s.Reservation(t.Context(), "1"); err != nil || fmt.Sprint(got.Parts) != fmt.Sprint(first) {
		t.Errorf("parts are %v, %v; want the first, %v", got.Parts, err, first)
	}
	after := shards(4, 2)
	after[0].Reserved = found[0].Reserved // shipped meanwhile
	must(t, s.Shift(t.Context(), found, after, commit.With{}))
	wantSplit(t, s, "a")
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 6, Shipped: 3})
}

func wantSplit(t *testing.T, s inventory.Store, want ...string) {
	t.Helper()
	if got, err := s.Split(t.Context()); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("split are %v, %v; want %v", got, err, want)
	}
	if overdue, err := s.Overdue(t.Context(), storesuite.Start); err != nil || len(overdue) > 0 {
		t.Errorf("overdue are %v, %v; want none", overdue, err)
	}
}

func shiftLeavesWhatOrdersMove(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3, 4)
	before, err := s.Shards(t.Context(), "a")
	must(t, err)
	move(t, s, parted("1", 1, 0, 1, 2), inventory.Available, inventory.Reserved)
	after := shards(4, 1, 4, 5)
	must(t, s.Shift(t.Context(), before, after, commit.With{}))
	found, err := s.Shards(t.Context(), "a")
	must(t, err)
	for n, want := range []inventory.Shard{
		{Stock: inventory.Stock{SKU: "a", Available: 4}, Gains: before[0].Gains + 1},
		{Stock: inventory.Stock{SKU: "a", Available: 0, Reserved: 1}, Gains: before[1].Gains + 1},
		{Stock: inventory.Stock{SKU: "a", Available: 2, Reserved: 2}, Gains: before[2].Gains},
		{Stock: inventory.Stock{SKU: "a", Available: 5}, Gains: 1},
	} {
		if len(found) != 4 || found[n] != want {
			t.Fatalf("shards are %+v, want shard %d to be %+v", found, n, want)
		}
	}
}

func shiftNeedsTheGainsOfShard0AndEnough(t *testing.T, s inventory.Store) {
	split(t, s, 2, 3)
	before, err := s.Shards(t.Context(), "a")
	must(t, err)
	refused := func(why string, after []inventory.Shard) {
		t.Helper()
		if err := s.Shift(t.Context(), before, after, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("%s: %v, want ErrLostRace", why, err)
		}
	}
	move(t, s, parted("1", 1, 1, 2), inventory.Available, inventory.Reserved)
	refused("two of the one that is left in shard 0", shards(0, 5))
	refused("two of the one that is left in shard 1", shards(4, 1))
	must(t, s.Shift(t.Context(), before, shards(2, 2), commit.With{}))
	refused("shard 0 gained", shards(2, 4))
	wantStock(t, s, inventory.Stock{SKU: "a", Available: 1, Reserved: 3})
}

func shiftChangesEveryBucket(t *testing.T, s inventory.Store) {
	split(t, s, 3, 3)
	r := parted("1", 1, 1, 2)
	move(t, s, r, inventory.Available, inventory.Reserved)
	other := parted("2", 1, 1, 1)
	move(t, s, other, inventory.Available, inventory.Reserved)
	other.Version = 2
	move(t, s, other, inventory.Reserved, inventory.Shipped)
	before, err := s.Shards(t.Context(), "a")
	must(t, err)
	after := slices.Clone(before)
	after[0].Reserved, after[1].Reserved = 3, 0
	after[0].Shipped, after[1].Shipped = 0, 2
	must(t, s.Shift(t.Context(), before, after, commit.With{}))
	found, err := s.Shards(t.Context(), "a")
	for n := range after {
		after[n].Gains++
	}
	if err != nil || !slices.Equal(found, after) {
		t.Errorf("shards are %+v, %v; want %+v", found, err, after)
	}
	again := slices.Clone(found)
	again[0].Reserved--
	again[1].Reserved++
	r.Version = 2
	r.Parts = []inventory.Part{{SKU: "a", Shard: 0, Quantity: 3}}
	move(t, s, r, inventory.Reserved, inventory.Shipped)
	if err := s.Shift(t.Context(), found, again, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("a reserved unit that was shipped meanwhile: %v, want ErrLostRace", err)
	}
}

func moveNamesEveryProductThatBlocksIt(t *testing.T, s inventory.Store) {
	split(t, s, 2, 2)
	stock(t, s, "b", 5)
	stock(t, s, "c", 1)
	r := parted("1", 1, 3, 3)
	for _, sku := range []string{"b", "c"} {
		r.Items = append(r.Items, contract.Line{SKU: sku, Quantity: 2})
		r.Parts = append(r.Parts, inventory.Part{SKU: sku, Quantity: 2})
	}
	err := s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{})
	if !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("%v, want ErrOutOfStock", err)
	}
	var blocked []string
	for _, b := range inventory.AllBlocked(err) {
		blocked = append(blocked, b.SKU)
	}
	if fmt.Sprint(blocked) != "[a c]" {
		t.Errorf("%v blocked, want a and c", blocked)
	}
}

func reservation(order string, version int64, status inventory.Status, items ...contract.Line) inventory.Reservation {
	return inventory.Reservation{
		OrderID: order, CustomerID: "c", Status: status, Items: items, Version: version, UpdatedAt: storesuite.Start,
	}
}

func stock(t *testing.T, s inventory.Store, sku string, n int) {
	t.Helper()
	shard := inventory.Shard{Stock: inventory.Stock{SKU: sku}}
	before := []inventory.Shard{shard}
	shard.Available = n
	must(t, s.Adjust(t.Context(), before, []inventory.Shard{shard}, commit.With{}))
}

func move(t *testing.T, s inventory.Store, r inventory.Reservation, from, to inventory.Bucket) {
	t.Helper()
	must(t, s.Move(t.Context(), r, from, to, commit.With{}))
}

func wantStock(t *testing.T, s inventory.Store, want inventory.Stock) {
	t.Helper()
	if got, err := s.Shards(t.Context(), want.SKU); err != nil || inventory.Whole(got) != want {
		t.Errorf("Shards(%s) = %+v, %v; want %+v in all", want.SKU, got, err, want)
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

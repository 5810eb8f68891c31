package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
)

// crowd is a store in which the next reservations conflict with others.
type crowd struct {
	*memory.Store
	conflicts, moves, reads int
}

func (s *crowd) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, w commit.With) error {
	if s.moves++; from == inventory.Available && s.conflicts > 0 {
		s.conflicts--
		return &inventory.Blocked{SKU: r.Items[0].SKU, Err: inventory.ErrContended}
	}
	return s.Store.Move(ctx, r, from, to, w)
}

func (s *crowd) Shards(ctx context.Context, sku string) ([]inventory.Shard, error) {
	s.reads++
	return s.Store.Shards(ctx, sku)
}

// market is inventory with 100 mugs.
func market(t *testing.T) (*inventory.Service, *crowd) {
	t.Helper()
	store := &crowd{Store: memory.New(clock.System{})}
	svc := inventory.New(store, clock.System{}, &ids.Sequence{})
	_, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", 100))
	must(t, err)
	store.moves, store.reads = 0, 0
	return svc, store
}

func mugs(order string, n int) contract.Step {
	return contract.Step{OrderID: order, CustomerID: "c", Items: []contract.Line{{SKU: "mug", Quantity: n}}}
}

// split reserves mugs for an order in a crowd, so that the product is split.
func split(t *testing.T, svc *inventory.Service, store *crowd, order string, n int) {
	t.Helper()
	store.conflicts = 2
	_, err := svc.ReserveStock(t.Context(), mugs(order, n))
	must(t, err)
	if shards, err := store.Shards(t.Context(), "mug"); err != nil || len(shards) != 16 {
		t.Fatalf("%d shards, %v; want 16", len(shards), err)
	}
}

func wantMugs(t *testing.T, svc *inventory.Service, available, reserved, shipped int) {
	t.Helper()
	got, err := svc.GetStock(t.Context(), "mug")
	want := inventory.Stock{SKU: "mug", Available: available, Reserved: reserved, Shipped: shipped}
	if err != nil || got != want {
		t.Errorf("stock is %+v, %v; want %+v", got, err, want)
	}
}

func TestOrdinaryProductIsReservedByOneWrite(t *testing.T) {
	svc, store := market(t)
	_, err := svc.ReserveStock(t.Context(), mugs("1", 2))
	must(t, err)
	if store.moves != 1 || store.reads != 0 {
		t.Errorf("%d writes and %d reads of stock, want 1 and 0", store.moves, store.reads)
	}
	store.conflicts = 1 // by chance
	_, err = svc.ReserveStock(t.Context(), mugs("2", 2))
	must(t, err)
	if shards, err := store.Shards(t.Context(), "mug"); err != nil || len(shards) != 1 {
		t.Errorf("%d shards after one conflict, %v; want 1", len(shards), err)
	}
}

func TestSplitProductIsSoldShippedAndReturned(t *testing.T) {
	svc, store := market(t)
	_, err := svc.ReserveStock(t.Context(), mugs("before", 10)) // from what becomes shard 0
	must(t, err)
	split(t, svc, store, "1", 5) // in shards of 6 or 5
	wantMugs(t, svc, 85, 15, 0)
	for n := range 14 { // each from several shards
		_, err := svc.ReserveStock(t.Context(), mugs(fmt.Sprint("many-", n), 6))
		must(t, err)
	}
	wantMugs(t, svc, 1, 99, 0)
	if _, err := svc.ReserveStock(t.Context(), mugs("late", 2)); !errors.Is(err, inventory.ErrOutOfStock) {
		t.Errorf("two of one: %v, want ErrOutOfStock", err)
	}
	for n := range 14 {
		_, err := svc.CommitStock(t.Context(), mugs(fmt.Sprint("many-", n), 6))
		must(t, err)
	}
	wantMugs(t, svc, 1, 15, 84)
	for _, order := range []string{"before", "1", "many-0", "many-13"} {
		_, err := svc.ReleaseStock(t.Context(), mugs(order, 0))
		must(t, err)
	}
	wantMugs(t, svc, 28, 0, 72)
	_, err = svc.ReserveStock(t.Context(), mugs("everything", 28))
	must(t, err)
	wantMugs(t, svc, 0, 28, 72)
}

func TestAdjustmentSpreadsASplitProductEvenly(t *testing.T) {
	svc, store := market(t)
	split(t, svc, store, "1", 4)
	for _, delta := range []int{70, -3} {
		_, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", delta))
		must(t, err)
	}
	wantMugs(t, svc, 163, 4, 0)
	shards, err := store.Shards(t.Context(), "mug")
	must(t, err)
	for n, shard := range shards {
		if shard.Available < 10 || shard.Available > 11 {
			t.Errorf("shard %d has %d of 163", n, shard.Available)
		}
	}
	_, _, err = svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", -164))
	if !errors.Is(err, inventory.ErrBelowZero) {
		t.Errorf("164 less of 163: %v, want ErrBelowZero", err)
	}
}

func TestProductIsKeptWholeWhileAnOlderVersionRuns(t *testing.T) {
	svc, store := market(t)
	store.conflicts = 5
	_, err := svc.KeepWhole().ReserveStock(t.Context(), mugs("1", 2))
	must(t, err)
	if shards, err := store.Shards(t.Context(), "mug"); err != nil || len(shards) != 1 {
		t.Errorf("%d shards, %v; want 1", len(shards), err)
	}
	store.conflicts = 1000
	if _, err := svc.KeepWhole().ReserveStock(t.Context(), mugs("2", 2)); fault.KindOf(err) != fault.Transient {
		t.Errorf("%v, want a transient error", err)
	}
}

// evasive is a gate that, before each read of one of two shards, moves the last unit to the other.
type evasive struct {
	memdb.Open
	looks int
	move  func(to int)
}

func (e *evasive) Look() {
	e.looks++
	e.move(e.looks % 2)
}

func TestUnitThatMovesBetweenShardsIsNeverOutOfStock(t *testing.T) {
	store := memory.New(clock.System{})
	gate := &evasive{move: func(int) {}}
	store.Guard(gate)
	one := inventory.Shard{Stock: inventory.Stock{SKU: "mug", Available: 1}}
	must(t, store.Adjust(t.Context(), nil, []inventory.Shard{one, one}, commit.With{}))
	held := -1 // the shard whose unit an order holds; the other's is available
	hold := inventory.Reservation{OrderID: "0"}
	orders := 0
	gate.move = func(to int) {
		from := 1 - to
		if held == from {
			return
		}
		next := inventory.Reservation{
			OrderID: fmt.Sprint(orders + 1), Version: 1, Items: []contract.Line{{SKU: "mug", Quantity: 1}},
			Parts: []inventory.Part{{SKU: "mug", Shard: from, Quantity: 1}},
		}
		if orders++; held >= 0 { // release first: one unit is available at all times
			hold.Version = 2
			must(t, store.Move(t.Context(), hold, inventory.Reserved, inventory.Available, commit.With{}))
		}
		must(t, store.Move(t.Context(), next, inventory.Available, inventory.Reserved, commit.With{}))
		hold, held = next, from
	}
	gate.move(1) // shard 0 is empty
	_, err := inventory.New(store, clock.System{}, &ids.Sequence{}).ReserveStock(t.Context(), mugs("order", 1))
	if !errors.Is(err, inventory.ErrContended) || gate.looks < 16 {
		t.Errorf("%v after reading %d shards, want ErrContended after 8 reads of both", err, gate.looks)
	}
}

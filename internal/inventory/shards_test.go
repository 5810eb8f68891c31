package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// crowd is a store in which the next reservations conflict with others, and adjustments fail.
type crowd struct {
	*memory.Store
	conflicts, moves, reads int
	largest                 int // the most parts of a move
	busy                    error
}

func (s *crowd) Adjust(ctx context.Context, before, after []inventory.Shard, w commit.With) error {
	if s.busy != nil {
		return s.busy
	}
	return s.Store.Adjust(ctx, before, after, w)
}

func (s *crowd) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, w commit.With) error {
	s.largest = max(s.largest, len(r.Held()))
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
	wantShards(t, store, 16)
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
	wantShards(t, store, 1)
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
	if _, err := svc.ReserveStock(t.Context(), mugs("late", 2)); !errors.Is(err, inventory.ErrOutOfStock) ||
		!strings.HasSuffix(err.Error(), "(short: 1:1)") {
		t.Errorf("two of one: %v, want ErrOutOfStock that says that one is missing", err)
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
	wantShards(t, store, 1)
	split(t, svc, store, "3", 2)
	if merged, err := svc.KeepWhole().MergeStock(t.Context()); merged != 1 || err != nil { // to go back
		t.Errorf("%d merged, %v; want 1", merged, err)
	}
	wantShards(t, store, 1)
	store.conflicts = 1000
	if _, err := svc.KeepWhole().ReserveStock(t.Context(), mugs("2", 2)); fault.KindOf(err) != fault.Transient {
		t.Errorf("%v, want a transient error", err)
	}
}

func wantShards(t *testing.T, store *crowd, want int) {
	t.Helper()
	if shards, err := store.Shards(t.Context(), "mug"); err != nil || len(shards) != want {
		t.Errorf("%d shards, %v; want %d", len(shards), err, want)
	}
}

func TestSplitProductIsMergedWhenCalm(t *testing.T) {
	svc, store := market(t)
	split(t, svc, store, "1", 5)
	for n := range 14 {
		_, err := svc.ReserveStock(t.Context(), mugs(fmt.Sprint("many-", n), 6)) // each from several shards
		must(t, err)
	}
	for n := range 4 {
		_, err := svc.CommitStock(t.Context(), mugs(fmt.Sprint("many-", n), 6))
		must(t, err)
	}
	if merged, err := svc.MergeStock(t.Context()); merged != 0 || err != nil {
		t.Errorf("%d merged, %v, while orders hold 65 units; want none", merged, err)
	}
	_, err := svc.CommitStock(t.Context(), mugs("many-4", 6))
	must(t, err)
	for _, busy := range []error{inventory.ErrContended, fault.New(fault.Transient, "Transient", "the table is busy")} {
		store.busy = busy
		if merged, err := svc.MergeStock(t.Context()); merged != 0 || err != nil {
			t.Errorf("%d merged, %v, while orders write the product; want none", merged, err)
		}
	}
	store.busy = errTorn
	if _, err := svc.MergeStock(t.Context()); !errors.Is(err, errTorn) {
		t.Errorf("%v, want the store's error", err)
	}
	store.busy = nil
	for _, want := range []int{1, 0} {
		if merged, err := svc.MergeStock(t.Context()); merged != want || err != nil {
			t.Errorf("%d merged, %v; want %d", merged, err, want)
		}
		wantShards(t, store, 1)
		wantMugs(t, svc, 11, 59, 30)
	}
	t.Run("an order finds the units that it held in other shards", func(t *testing.T) {
		for n := range 8 {
			_, err := svc.CommitStock(t.Context(), mugs(fmt.Sprint("many-", n), 6))
			must(t, err)
		}
		for _, order := range []string{"1", "many-0", "many-7", "many-13"} { // shipped before, after, never
			_, err := svc.ReleaseStock(t.Context(), mugs(order, 0))
			must(t, err)
		}
		wantMugs(t, svc, 34, 30, 36)
	})
	t.Run("in a product that was split again, too", func(t *testing.T) {
		store.conflicts = 2
		_, err := svc.ReserveStock(t.Context(), mugs("again", 4))
		must(t, err)
		wantShards(t, store, 8)
		for _, order := range []string{"many-6", "many-12", "again"} {
			_, err := svc.ReleaseStock(t.Context(), mugs(order, 0))
			must(t, err)
		}
		wantMugs(t, svc, 46, 24, 30)
	})
}

func TestOldServiceSellsAMergedProductByOneRead(t *testing.T) {
	svc, store := market(t)
	split(t, svc, store, "1", 5)
	_, err := svc.MergeStock(t.Context())
	must(t, err)
	for n := range 20 { // svc believes in 16 shards, until the first order that is not in shard 0
		store.moves, store.reads = 0, 0
		_, err := svc.ReserveStock(t.Context(), mugs(fmt.Sprint("late-", n), 1))
		must(t, err)
	}
	if store.moves != 1 || store.reads != 0 {
		t.Errorf("%d writes and %d reads of stock, want 1 and 0", store.moves, store.reads)
	}
	wantMugs(t, svc, 75, 25, 0)
}

// largeOrder is an order of the most lines that an order can have, 16 units each.
func largeOrder() contract.Step {
	order := contract.Step{OrderID: "1", CustomerID: "c"}
	for n := range 40 {
		order.Items = append(order.Items, contract.Line{SKU: fmt.Sprint("mug-", n), Quantity: 16})
	}
	return order
}

// fragment divides a product's units among 16 shards, as other orders might.
func fragment(t *testing.T, store *crowd, sku string, one inventory.Stock) {
	t.Helper()
	var fragments []inventory.Shard
	for range 16 {
		one.SKU = sku
		fragments = append(fragments, inventory.Shard{Stock: one})
	}
	before, err := store.Shards(t.Context(), sku)
	if !errors.Is(err, inventory.ErrNoStock) {
		must(t, err)
	}
	must(t, store.Store.Adjust(t.Context(), before, fragments, commit.With{}))
}

// wantLargeOrder checks the stock of what a large order is about, and that it was moved in
// transactions that DynamoDB takes.
func wantLargeOrder(t *testing.T, svc *inventory.Service, store *crowd, want inventory.Stock) {
	t.Helper()
	for _, l := range largeOrder().Items {
		want.SKU = l.SKU
		if got, err := svc.GetStock(t.Context(), l.SKU); err != nil || got != want {
			t.Errorf("stock is %+v, %v; want %+v", got, err, want)
		}
	}
	if store.largest > 90 {
		t.Errorf("%d parts were moved at once, want at most 90", store.largest)
	}
}

func TestFragmentedStockIsReservedWithinOneTransaction(t *testing.T) {
	svc, store := market(t)
	for _, l := range largeOrder().Items {
		fragment(t, store, l.SKU, inventory.Stock{Available: 1})
	}
	_, err := svc.ReserveStock(t.Context(), largeOrder())
	must(t, err)
	wantLargeOrder(t, svc, store, inventory.Stock{Reserved: 16})
	_, err = svc.CommitStock(t.Context(), largeOrder())
	must(t, err)
	wantLargeOrder(t, svc, store, inventory.Stock{Shipped: 16})
}

func TestFragmentedReservationEndsWithinOneTransaction(t *testing.T) {
	svc, store := market(t)
	for _, l := range largeOrder().Items {
		_, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment(l.SKU, 16))
		must(t, err)
	}
	_, err := svc.ReserveStock(t.Context(), largeOrder())
	must(t, err)
	for _, l := range largeOrder().Items { // merged, and split again by others
		fragment(t, store, l.SKU, inventory.Stock{Reserved: 1})
	}
	store.moves = 0
	_, err = svc.CommitStock(t.Context(), largeOrder())
	must(t, err)
	wantLargeOrder(t, svc, store, inventory.Stock{Shipped: 16})
	if store.moves != 2 { // one refusal tells all
		t.Errorf("%d writes of the order, want 2", store.moves)
	}
	for _, l := range largeOrder().Items {
		fragment(t, store, l.SKU, inventory.Stock{Shipped: 1})
	}
	_, err = svc.ReleaseStock(t.Context(), largeOrder())
	must(t, err)
	wantLargeOrder(t, svc, store, inventory.Stock{Available: 16})
}

func TestHotProductIsRestockedInOnePiece(t *testing.T) {
	svc, store := market(t)
	store.busy = inventory.ErrContended
	want := inventory.Stock{SKU: "mug", Available: 110, Moving: true}
	got, _, err := svc.KeepWhole().AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", 10))
	if err != nil || got != want {
		t.Errorf("adjusted by 10: %+v, %v; want %+v", got, err, want)
	}
	wantMugs(t, svc, 110, 0, 0)
	wantShards(t, store, 1)
}

// Orders that find no stock block the item that the first adjustment creates.
func TestTheFirstStockIsNotMissingWhileOrdersLookForIt(t *testing.T) {
	svc, store := market(t)
	store.busy = inventory.ErrContended
	_, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, inventory.Adjustment{
		Adjusted: adjustment("new", 4).Adjusted, AllowUnknownSKU: true,
	})
	if !errors.Is(err, inventory.ErrContended) {
		t.Errorf("%v, want ErrContended: a retry creates it", err)
	}
}

func TestAdjustmentDoesNotWaitForOrdersToPause(t *testing.T) {
	svc, store := market(t)
	split(t, svc, store, "1", 4)
	store.busy = inventory.ErrContended
	available := 96
	for _, delta := range []int{70, -3, -100} {
		available += delta
		want := inventory.Stock{SKU: "mug", Available: available, Reserved: 4, Moving: true}
		got, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", delta))
		if err != nil || got != want {
			t.Errorf("adjusted by %d: %+v, %v; want %+v", delta, got, err, want)
		}
		wantMugs(t, svc, available, 4, 0)
	}
	_, _, err := svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", -available-1))
	if !errors.Is(err, inventory.ErrBelowZero) {
		t.Errorf("one more than there are: %v, want ErrBelowZero", err)
	}
	_, _, err = svc.AdjustStock(t.Context(), idempotency.Request{}, adjustment("mug", 500)) // all in shard 0
	must(t, err)
	store.conflicts = 2
	_, err = svc.ReserveStock(t.Context(), mugs("2", 1))
	must(t, err)
	shards, err := store.Shards(t.Context(), "mug")
	must(t, err)
	for n, shard := range shards {
		if shard.Available < 30 || shard.Available > 40 {
			t.Errorf("shard %d has %d of %d after orders met there", n, shard.Available, available+500)
		}
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

func TestCountDuringASaleIsExactInItsSum(t *testing.T) {
	store := memory.New(clock.System{})
	gate := &evasive{move: func(int) {}}
	store.Guard(gate)
	half := inventory.Shard{Stock: inventory.Stock{SKU: "mug", Available: 50}}
	must(t, store.Adjust(t.Context(), nil, []inventory.Shard{half, half}, commit.With{}))
	svc := inventory.New(store, clock.System{}, &ids.Sequence{})
	gate.move = func(shard int) { // an order before each read
		must(t, store.Move(t.Context(), inventory.Reservation{
			OrderID: fmt.Sprint("order-", gate.looks), Version: 1, Items: []contract.Line{{SKU: "mug", Quantity: 1}},
			Parts: []inventory.Part{{SKU: "mug", Shard: shard, Quantity: 1}},
		}, inventory.Available, inventory.Reserved, commit.With{}))
	}
	got, err := svc.GetStock(t.Context(), "mug")
	if err != nil || !got.Moving || got.OnHand() != 100 {
		t.Errorf("%+v, %v; want a count of 100 that is moving", got, err)
	}
	looking := false
	gate.move = func(shard int) { // a unit goes to the shard that is read next
		if looking {
			return
		}
		looking = true
		before, err := store.Shards(t.Context(), "mug")
		must(t, err)
		after := append([]inventory.Shard{}, before...)
		after[1-shard].Available--
		after[shard].Available++
		must(t, store.Shift(t.Context(), before, after, commit.With{}))
		looking = false
	}
	if got, err := svc.GetStock(t.Context(), "mug"); !errors.Is(err, inventory.ErrContended) {
		t.Errorf("%+v, %v while units change their shard; want ErrContended", got, err)
	}
}

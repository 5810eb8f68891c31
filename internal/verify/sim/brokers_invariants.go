package sim

import (
	"context"

	"orderflow/internal/inventory"
	"orderflow/internal/orders"
	warehouse "orderflow/internal/warehouse/contract"
)

// brokerInvariants hold at rest in runs with brokers; see invariants.
var brokerInvariants = []struct {
	name  string
	whole func(b *brokers, w *World, broken func(order, format string, args ...any))
}{
	{jobsDone, (*brokers).jobsRight},
	{"the warehouse's counts are inventory's", (*brokers).shelvesRight},
	{"each message of the warehouse takes effect once or is parked", (*brokers).messagesHandled},
}

// jobsRight: the warehouse has a pick job for every confirmed order, with its lines, a cancellation
// for every cancelled one, and nothing else.
func (b *brokers) jobsRight(w *World, broken func(string, string, ...any)) {
	want, picked := map[string]string{}, map[string]int{}
	for _, id := range w.history.orders() {
		switch o := w.order(id); o.Status {
		case orders.StatusConfirmed:
			want[id] = warehouse.PickRequested
			for _, item := range o.Items {
				picked[item.SKU] += item.Quantity
			}
		case orders.StatusCancelled:
			want[id] = warehouse.PickCancelled
		}
		if got := b.shelves.orders[id]; got != want[id] {
			broken(id, "the warehouse got %q, want %q", got, want[id])
		}
	}
	for _, sku := range w.shop.everything() {
		if b.shelves.picked[sku] != picked[sku] {
			broken("", "%s: %d picked, %d sold", sku, b.shelves.picked[sku], picked[sku])
		}
	}
}

// shelvesRight: the warehouse's counts equal inventory's.
func (b *brokers) shelvesRight(w *World, broken func(string, string, ...any)) {
	for _, sku := range w.shop.everything() {
		shards, err := w.stores.inventory.Shards(context.Background(), sku)
		s := inventory.Whole(shards)
		counted := w.shop.stock[sku] - b.shelves.picked[sku]
		if err != nil || s.Available+s.Reserved != counted {
			broken("", "%s: %d are on the shelves, inventory has %d available and %d reserved (%v)",
				sku, counted, s.Available, s.Reserved, err)
		}
	}
}

// messagesHandled: each message of the warehouse took effect or, if it cannot be understood, is
// parked.
func (b *brokers) messagesHandled(w *World, broken func(string, string, ...any)) {
	ctx := context.Background()
	for _, id := range sortedKeys(b.shelves.sent) {
		if order, ok := b.shelves.prepared[id]; ok {
			o, err := b.warehouse.Order(ctx, order)
			if err != nil || o.PickedAt.IsZero() || o.PackedAt.IsZero() {
				broken(order, "it was picked and packed, but we know %+v (%v)", o, err)
			}
		} else if m, err := b.warehouse.Movement(ctx, id); err != nil || !m.Applied {
			broken("", "the movement of message %s is %+v (%v)", id, m, err)
		}
	}
	parked := map[string]int{}
	for _, p := range must(b.warehouse.Parked(ctx)) {
		parked[p.Message.ID]++
		if !b.shelves.poison[p.Message.ID] {
			broken("", "the good message %s is parked: %s", p.Message.ID, p.Reason)
		}
	}
	for _, id := range sortedKeys(b.shelves.poison) {
		if parked[id] != 1 {
			broken("", "the message %s, which cannot be understood, is parked %d times", id, parked[id])
		}
	}
	for _, s := range b.messageSources {
		if ready, unacked := b.exchange.Ready(s.Queue), b.exchange.Unacked(s.Queue); ready+unacked > 0 {
			broken("", "%d messages are left in %s, %d of these with consumers", ready+unacked, s.Queue, unacked)
		}
	}
}

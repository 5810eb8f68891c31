package sim

import (
	"context"
	"errors"
	"math/rand/v2"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/commit"
)

// crowd is inventory's store while other orders want the same products: a third of the reservations
// conflict, so that products are split, and of the adjustments of split products.
type crowd struct {
	inventory.Store
	w      *World
	chance *rand.Rand // separate, so the rest of a run does not depend on it
}

// Move is part of inventory.Store.
func (s crowd) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	if from == inventory.Available && !s.w.calm && s.chance.IntN(3) == 0 {
		return &inventory.Blocked{SKU: r.Items[0].SKU, Err: inventory.ErrContended}
	}
	err := s.Store.Move(ctx, r, from, to, with)
	if from != inventory.Available && errors.Is(err, inventory.ErrOutOfStock) {
		s.w.reach("units were no longer where they were reserved")
	}
	switch {
	case err != nil:
	case len(r.Parts) > len(r.Items):
		s.w.reach("a line was reserved in several shards")
	case len(r.Parts) > 0 && to == inventory.Available:
		s.w.reach("stock of a shard was returned")
	}
	return err
}

// Adjust is part of inventory.Store.
func (s crowd) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	if len(before) > 1 && !s.w.calm && s.chance.IntN(3) == 0 {
		return inventory.ErrContended
	}
	err := s.Store.Adjust(ctx, before, after, with)
	switch {
	case err != nil:
	case len(after) < len(before):
		s.w.reach("a product was merged")
	case len(after) > 1:
		s.w.reach("a split product was adjusted")
	}
	return err
}

// Shift is part of inventory.Store.
func (s crowd) Shift(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	err := s.Store.Shift(ctx, before, after, with)
	switch {
	case err != nil:
	case len(after) > len(before):
		s.w.reach("a product was split")
	case len(with.Events) > 0:
		s.w.reach("a split product was adjusted while orders wrote it")
	}
	return err
}

package inventory_test

import (
	"context"
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ids"
)

// hasty is a store whose first read of a step's record comes just before the duplicate writes it.
type hasty struct {
	*memory.Store
	t    *testing.T
	step string
	read bool
}

func (s *hasty) Barriers(ctx context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	if keys[0].Step == s.step && !s.read {
		s.read = true
		keys = keys[1:]
	}
	return s.Store.Barriers(ctx, keys...)
}

func (s *hasty) Move(ctx context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	if from == to {
		s.t.Errorf("stock is moved from %s to %s, which DynamoDB refuses as an invalid update", from, to)
	}
	return s.Store.Move(ctx, r, from, to, with)
}

func TestConcurrentDuplicateGetsTheFirstResult(t *testing.T) {
	for step, status := range map[string]string{
		"ReserveStock": "RESERVED", "CommitStock": "COMMITTED", "ReleaseStock": "RELEASED",
	} {
		t.Run(step, func(t *testing.T) {
			s := newShop(t)
			late := inventory.New(&hasty{Store: s.store, t: t, step: step}, s.clock, &ids.Sequence{})
			for _, c := range []struct {
				step        string
				first, late use
			}{
				{"ReserveStock", s.ReserveStock, late.ReserveStock},
				{"CommitStock", s.CommitStock, late.CommitStock},
				{"ReleaseStock", s.ReleaseStock, late.ReleaseStock},
			} {
				_, err := c.first(t.Context(), input(order))
				must(t, err)
				if c.step == step {
					got, err := c.late(t.Context(), input(order))
					want(t, got, status, err)
				}
			}
			wantStock(t, s, 10, 0, 0)
		})
	}
}

package inventory

import (
	"context"
	"errors"
	"fmt"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// MergeStock moves the units of split products back into shard 0, in all buckets, and returns how
// many products it merged. It leaves a product whose shards change between its read and its write:
// many orders still want it. It also leaves a product with much reserved stock: its orders may all
// be settled at once, as after a carrier's outage, and one item cannot take that many writes. It
// leaves a product if the table is busy. A failed product does not stop the others; the error is
// returned at the end.
//
// Reservations still name the shards that their units were in. They find them in shard 0.
func (s *Service) MergeStock(ctx context.Context) (merged int, err error) {
	skus, err := s.store.Split(ctx)
	for _, sku := range skus {
		shards, failed := s.store.Shards(ctx, sku)
		if failed == nil {
			whole := Shard{Stock: Whole(shards)}
			if len(shards) < 2 || whole.Reserved > maxShards*perShard {
				continue
			}
			failed = s.store.Adjust(ctx, shards, []Shard{whole}, commit.With{})
		}
		var busy *fault.Error
		switch {
		case failed == nil:
			merged++
		case errors.Is(failed, fault.ErrLostRace), errors.As(failed, &busy) && busy.Kind == fault.Transient:
			// the next sweep tries again
		default:
			err = errors.Join(err, fmt.Errorf("stock of %s: %w", sku, failed))
		}
	}
	return merged, err
}

package lineartest_test

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/lineartest"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
)

// forgetful is a store without a condition on adjustments: they overwrite concurrent changes.
type forgetful struct{ *memory.Store }

func (s forgetful) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	runtime.Gosched()
	now, err := s.Shards(ctx, after[0].SKU)
	if err != nil {
		now = nil
	}
	return s.Store.Adjust(ctx, now, after, with)
}

// outdated is a store without consistent reads: it returns the stock of a moment ago.
type outdated struct {
	*memory.Store
	shown chan []inventory.Shard
}

func (s outdated) Shards(ctx context.Context, sku string) ([]inventory.Shard, error) {
	now, err := s.Store.Shards(ctx, sku)
	if err != nil || sku != "A" {
		return now, err
	}
	before := <-s.shown
	s.shown <- now
	if before == nil {
		return now, nil
	}
	return before, nil
}

// nearsighted is a store that sees only shard 0.
type nearsighted struct{ *memory.Store }

func (s nearsighted) Shards(ctx context.Context, sku string) ([]inventory.Shard, error) {
	shards, err := s.Store.Shards(ctx, sku)
	return shards[:min(1, len(shards))], err
}

// partial is a store that merges available units only.
type partial struct{ *memory.Store }

func (s partial) Adjust(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	if len(after) < len(before) {
		after[0].Reserved = before[0].Reserved
	}
	return s.Store.Adjust(ctx, before, after, with)
}

// late is a store that shifts units whether shard 0 gained or not.
type late struct{ *memory.Store }

func (s late) Shift(ctx context.Context, before, after []inventory.Shard, with commit.With) error {
	runtime.Gosched()
	now, err := s.Shards(ctx, after[0].SKU)
	if err == nil {
		before = slices.Clone(before)
		before[0].Gains = now[0].Gains
	}
	return s.Store.Shift(ctx, before, after, with)
}

func TestBrokenStoresAreFound(t *testing.T) {
	const tries = 200
	shape := lineartest.Shape{Clients: 8, Calls: 40, Contended: true}
	broken := map[string]func() inventory.Store{
		"LostUpdate": func() inventory.Store { return forgetful{memory.New(clock.System{})} },
		"StaleRead": func() inventory.Store {
			s := outdated{memory.New(clock.System{}), make(chan []inventory.Shard, 1)}
			s.shown <- nil
			return s
		},
		"OneShardOnly": func() inventory.Store { return nearsighted{memory.New(clock.System{})} },
		"PartialMerge": func() inventory.Store { return partial{memory.New(clock.System{})} },
		"LateShift":    func() inventory.Store { return late{memory.New(clock.System{})} },
	}
	for name, open := range broken {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(tries) {
				if lineartest.Check(lineartest.Record(t, seed, shape, open()), shape) == porcupine.Illegal {
					t.Logf("found with history %d", seed)
					return
				}
			}
			t.Errorf("all %d histories pass as linearizable", tries)
		})
	}
}

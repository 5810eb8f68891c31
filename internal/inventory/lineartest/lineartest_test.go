package lineartest_test

import (
	"context"
	"runtime"
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

func (s forgetful) Adjust(ctx context.Context, before inventory.Stock, delta int, with commit.With) error {
	runtime.Gosched()
	now, err := s.Stock(ctx, before.SKU)
	if err != nil {
		now = inventory.Stock{SKU: before.SKU}
	}
	return s.Store.Adjust(ctx, now, before.Available+delta-now.Available, with)
}

// outdated is a store without consistent reads: it returns the stock of a moment ago.
type outdated struct {
	*memory.Store
	shown chan inventory.Stock
}

func (s outdated) Stock(ctx context.Context, sku string) (inventory.Stock, error) {
	now, err := s.Store.Stock(ctx, sku)
	if err != nil || sku != "A" {
		return now, err
	}
	before := <-s.shown
	s.shown <- now
	if before.SKU == "" {
		return now, nil
	}
	return before, nil
}

func TestBrokenStoresAreFound(t *testing.T) {
	const tries = 200
	shape := lineartest.Shape{Clients: 8, Calls: 30}
	broken := map[string]func() inventory.Store{
		"LostUpdate": func() inventory.Store { return forgetful{memory.New(clock.System{})} },
		"StaleRead": func() inventory.Store {
			s := outdated{memory.New(clock.System{}), make(chan inventory.Stock, 1)}
			s.shown <- inventory.Stock{}
			return s
		},
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

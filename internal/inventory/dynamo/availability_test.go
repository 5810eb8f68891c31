package dynamo_test

import (
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/inventory"
)

// TestAvailabilityDuringASaleCostsOneShard splits a product and then sells it out. Only then are
// its other shards read.
func TestAvailabilityDuringASaleCostsOneShard(t *testing.T) {
	const units, orders, shards = 800, 200, 16
	synctest.Test(t, func(t *testing.T) {
		r := newRush(t, 6*time.Millisecond)
		must(t, r.adjust("mug", units))
		cost := func(want inventory.AvailabilityStatus) float64 {
			t.Helper()
			before := r.read
			found, err := r.svc().ListAvailability(t.Context(), []string{"mug"})
			if must(t, err); found[0].Status != want {
				t.Errorf("%+v, want %s", found, want)
			}
			return r.read - before
		}
		r.sell(orders, time.Second/4, 100, "mug")
		if got := cost(inventory.InStock); got != .5 {
			t.Errorf("during the sale it costs %g read units, want half of one", got)
		}
		must(t, r.adjust("mug", orders-units))
		if got := cost(inventory.OutOfStock); got != .5*shards {
			t.Errorf("sold out it costs %g read units, want those of %d shards", got, shards)
		}
	})
}

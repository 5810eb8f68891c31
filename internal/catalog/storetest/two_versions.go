package storetest

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
)

// RunTwoVersions runs the suite of a gradual release: what a newer version adds to an item survives whatever the store writes.
func RunTwoVersions(t *testing.T, open func(t *testing.T, c clock.Clock) (Store, storesuite.Newer)) {
	storesuite.RunTwoVersions(t, open, map[string]storesuite.Kind[Store]{
		"Product": {
			Write: func(t *testing.T, s Store) { must(t, s.Put(t.Context(), product("mug", 1), commit.With{})) },
			Rewrite: func(t *testing.T, s Store) {
				next := product("mug", 2)
				next.Name, next.Price.Amount = "Blue mug", 2499
				must(t, s.Put(t.Context(), next, commit.With{}))
				wantProduct(t, s, next)
			},
		},
	})
}

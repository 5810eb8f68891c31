package storetest

import (
	"testing"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[Store]{
	"Product": {
		Write: func(t *testing.T, s Store) { must(t, s.Put(t.Context(), product("mug", 1), commit.With{})) },
		Rewrite: func(t *testing.T, s Store) {
			next := product("mug", 2)
			next.Name, next.Price.Amount = "Blue mug", 2499
			must(t, s.Put(t.Context(), next, commit.With{}))
			wantProduct(t, s, next)
		},
	},
}

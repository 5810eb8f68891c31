package storetest

import (
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[Store]{
	"Stock": {
		Write: func(t *testing.T, s Store) { stock(t, s, "a", 5) },
		Rewrite: func(t *testing.T, s Store) {
			must(t, s.Adjust(t.Context(), inventory.Stock{SKU: "a", Available: 5}, 1, commit.With{}))
			r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 2})
			must(t, s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}))
			wantStock(t, s, inventory.Stock{SKU: "a", Available: 4, Reserved: 2})
		},
	},
	"Product": {
		Write:   func(t *testing.T, s Store) { must(t, s.LearnProduct(t.Context(), "a")) },
		Rewrite: func(t *testing.T, s Store) { must(t, s.LearnProduct(t.Context(), "a")) },
	},
	"Reservation": {
		Write: func(t *testing.T, s Store) {
			stock(t, s, "a", 5)
			r := reservation("1", 1, inventory.StatusReserved, contract.Line{SKU: "a", Quantity: 2})
			must(t, s.Move(t.Context(), r, inventory.Available, inventory.Reserved, commit.With{}))
		},
		Rewrite: func(t *testing.T, s Store) {
			r := reservation("1", 2, inventory.StatusCommitted, contract.Line{SKU: "a", Quantity: 2})
			must(t, s.Move(t.Context(), r, inventory.Reserved, inventory.Shipped, commit.With{}))
			r = reservation("1", 3, inventory.StatusReleased, contract.Line{SKU: "a", Quantity: 2})
			must(t, s.Move(t.Context(), r, inventory.Shipped, inventory.Available, commit.With{}))
			wantStock(t, s, inventory.Stock{SKU: "a", Available: 5})
		},
	},
}

package storetest

import (
	"testing"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/carrier"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[carrier.Store]{
	"Entry": {
		Write: func(t *testing.T, s carrier.Store) {
			must(t, s.Write(t.Context(), carrier.Entry{Reference: "r", PostalCode: "1", Version: 1}, &carrier.Due{Reference: "r"}, commit.With{}))
		},
		Rewrite: func(t *testing.T, s carrier.Store) {
			must(t, s.Write(t.Context(), carrier.Entry{Reference: "r", PostalCode: "1", Cancelled: true, Version: 2}, nil, commit.With{}))
		},
	},
}

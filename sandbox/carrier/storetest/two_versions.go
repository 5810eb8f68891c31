package storetest

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/carrier"
)

// RunTwoVersions runs the suite of a release: what a newer version adds to an item survives whatever the store writes.
func RunTwoVersions(t *testing.T, open func(t *testing.T, c clock.Clock) (carrier.Store, storesuite.Newer)) {
	storesuite.RunTwoVersions(t, open, map[string]storesuite.Kind[carrier.Store]{
		"Entry": {
			Write: func(t *testing.T, s carrier.Store) {
				must(t, s.Write(t.Context(), carrier.Entry{Reference: "r", PostalCode: "1", Version: 1}, &carrier.Due{Reference: "r"}, commit.With{}))
			},
			Rewrite: func(t *testing.T, s carrier.Store) {
				must(t, s.Write(t.Context(), carrier.Entry{Reference: "r", PostalCode: "1", Cancelled: true, Version: 2}, nil, commit.With{}))
			},
		},
	})
}

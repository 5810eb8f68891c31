package storetest

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/provider"
)

// RunTwoVersions runs the suite of a release: what a newer version adds to an item survives whatever the store writes.
func RunTwoVersions(t *testing.T, open func(t *testing.T, c clock.Clock) (provider.Store, storesuite.Newer)) {
	storesuite.RunTwoVersions(t, open, map[string]storesuite.Kind[provider.Store]{
		"Entry": {
			Write: func(t *testing.T, s provider.Store) {
				must(t, s.Write(t.Context(), entry("r", 1, provider.StatusAuthorized), commit.With{}))
			},
			Rewrite: func(t *testing.T, s provider.Store) {
				must(t, s.Write(t.Context(), entry("r", 2, provider.StatusVoided), commit.With{}))
				want(t, s, entry("r", 2, provider.StatusVoided))
			},
		},
	})
}

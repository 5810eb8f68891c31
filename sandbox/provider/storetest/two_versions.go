package storetest

import (
	"testing"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/provider"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[provider.Store]{
	"Entry": {
		Write: func(t *testing.T, s provider.Store) {
			must(t, s.Write(t.Context(), entry("r", 1, provider.StatusAuthorized), commit.With{}))
		},
		Rewrite: func(t *testing.T, s provider.Store) {
			must(t, s.Write(t.Context(), entry("r", 2, provider.StatusVoided), commit.With{}))
			want(t, s, entry("r", 2, provider.StatusVoided))
		},
	},
}

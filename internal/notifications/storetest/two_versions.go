package storetest

import (
	"testing"
	"time"

	"orderflow/internal/notifications"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/storesuite"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[Store]{
	"Mail": {
		Write: func(t *testing.T, s Store) { must(t, s.Claim(t.Context(), claim(long, "first"))) },
		Rewrite: func(t *testing.T, s Store) {
			must(t, s.Release(t.Context(), claim(long, "first")))
			must(t, s.Claim(t.Context(), claim(long, "second")))
			must(t, s.MarkSent(t.Context(), claim(long, "second")))
			wantClaim(t, s, claim(long, "third"), notifications.ErrSent)
		},
	},
}

// long is far from the time of the suite's stores, so that claims do not expire.
var long = clock.At(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))

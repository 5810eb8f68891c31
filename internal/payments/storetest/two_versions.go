package storetest

import (
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/storesuite"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[Store]{
	"Payment": {
		Write: func(t *testing.T, s Store) { save(t, s, payment("1", 1, payments.StatusAuthorized)) },
		Rewrite: func(t *testing.T, s Store) {
			for n, status := range []payments.Status{payments.StatusCaptured, payments.StatusRefunded} {
				save(t, s, payment("1", int64(n)+2, status))
				want(t, s, payment("1", int64(n)+2, status))
			}
		},
	},
	"Outcome": {
		Write: func(t *testing.T, s Store) {
			must(t, s.SaveOutcome(t.Context(), payments.Outcome{OrderID: "1", Status: payments.OrderNeedsAttention, Version: 3}, 0, commit.With{}))
		},
		Rewrite: func(t *testing.T, s Store) {
			must(t, s.SaveOutcome(t.Context(), payments.Outcome{OrderID: "1", Status: payments.OrderRejected, Version: 4}, 3, commit.With{}))
		},
	},
	"Bookmark": {
		Write:   func(t *testing.T, s Store) { must(t, s.SaveBookmark(t.Context(), "a")) },
		Rewrite: func(t *testing.T, s Store) { must(t, s.SaveBookmark(t.Context(), "b")) },
	},
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

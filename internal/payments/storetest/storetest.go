// Package storetest is the suite that every payments store passes.
package storetest

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Suite is what every payments store has to pass.
var Suite = storesuite.Suite[payments.Store]{
	Aggregates: []storesuite.Aggregates[payments.Store]{
		storesuite.Aggregate[payments.Store, payments.Payment]{
			Get: payments.Store.Get, GetMany: payments.Store.GetMany, Save: payments.Store.Save,
			Missing: payments.ErrNoPayment,
			New: func(orderID string, version int64) payments.Payment {
				return payment(orderID, version, payments.StatusCaptured)
			},
			Versions: versions(),
		},
	},
	Cases: []func(*testing.T, payments.Store){outcomeIsKeptByVersion, lastSavedBookmarkIsReturned},
	Kinds: map[string]storesuite.Kind[payments.Store]{
		"Outcome": {
			Write:   func(t *testing.T, s payments.Store) { saveOutcome(t, s, flagged, 0) },
			Rewrite: func(t *testing.T, s payments.Store) { saveOutcome(t, s, rejected, 3) },
		},
		"Bookmark": {
			Write:   func(t *testing.T, s payments.Store) { storesuite.Must(t, s.SaveBookmark(t.Context(), "a")) },
			Rewrite: func(t *testing.T, s payments.Store) { storesuite.Must(t, s.SaveBookmark(t.Context(), "b")) },
		},
	},
}

var (
	flagged  = payments.Outcome{OrderID: "1", Status: payments.OrderNeedsAttention, Version: 3}
	rejected = payments.Outcome{OrderID: "1", Status: payments.OrderRejected, Version: 4}
)

func payment(orderID string, version int64, status payments.Status) payments.Payment {
	return payments.Payment{
		OrderID: orderID, CustomerID: "c", Status: status, Amount: money.Money{Currency: "EUR", Amount: 4797},
		ChargeID: "ch_1", Version: version, UpdatedAt: storesuite.Start,
	}
}

func versions() []payments.Payment {
	var all []payments.Payment
	for n, status := range []payments.Status{
		payments.StatusDeclined, payments.StatusAuthorized, payments.StatusCaptured, payments.StatusRefunded,
		payments.StatusActionRequired, payments.StatusActionRequired, payments.StatusAuthorized,
	} {
		all = append(all, payment("1", int64(n+1), status))
	}
	all[0].DeclineCode, all[0].Dispute = "card_declined", payments.DisputeOpen
	all[2].Refunded = 1000
	all[4].Action = payments.Action{
		URL: "https://bank.test/1", ResumeToken: "token",
		Until: storesuite.Start.Add(time.Minute).Truncate(time.Second),
	}
	all[5].Action.Ended = true
	return all
}

func outcomeIsKeptByVersion(t *testing.T, s payments.Store) {
	if o, err := s.Outcome(t.Context(), "1"); err != nil || o != (payments.Outcome{}) {
		t.Errorf("Outcome of an unknown order = %+v, %v", o, err)
	}
	saveOutcome(t, s, flagged, 0)
	saveOutcome(t, s, rejected, 3)
	for _, before := range []int64{0, 3} {
		if err := s.SaveOutcome(t.Context(), flagged, before, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("from version %d over version 4: %v, want ErrLostRace", before, err)
		}
	}
	if o, err := s.Outcome(t.Context(), "1"); err != nil || o != rejected {
		t.Errorf("Outcome = %+v, %v", o, err)
	}
}

func lastSavedBookmarkIsReturned(t *testing.T, s payments.Store) {
	for _, cursor := range []string{"", "a", ""} {
		storesuite.Must(t, s.SaveBookmark(t.Context(), cursor))
		if got, err := s.Bookmark(t.Context()); err != nil || got != cursor {
			t.Errorf("Bookmark = %q, %v; want %q", got, err, cursor)
		}
	}
}

func saveOutcome(t *testing.T, s payments.Store, o payments.Outcome, before int64) {
	t.Helper()
	storesuite.Must(t, s.SaveOutcome(t.Context(), o, before, commit.With{}))
}

// Package storetest is the suite that every payments store passes.
package storetest

import (
	"errors"
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Suite is what every payments store has to pass.
var Suite = storesuite.Suite[payments.Store]{
	Cases: []func(*testing.T, payments.Store){
		unknownPaymentIsNotFound, paymentComesBackAsSaved, refundComesBackAsSaved, onlyTheNextVersionIsSaved,
		saveClearsEmptyFields, paymentsAreKeptByOrder, outcomeIsKeptByVersion, lastSavedBookmarkIsReturned,
		paymentsAreReadInOneBatch,
	},
	Kinds: map[string]storesuite.Kind[payments.Store]{
		"Payment": {
			Write: func(t *testing.T, s payments.Store) { save(t, s, payment("1", 1, payments.StatusAuthorized)) },
			Rewrite: func(t *testing.T, s payments.Store) {
				for n, status := range []payments.Status{payments.StatusCaptured, payments.StatusRefunded} {
					save(t, s, payment("1", int64(n)+2, status))
					want(t, s, payment("1", int64(n)+2, status))
				}
			},
		},
		"Outcome": {
			Write:   func(t *testing.T, s payments.Store) { saveOutcome(t, s, flagged, 0) },
			Rewrite: func(t *testing.T, s payments.Store) { saveOutcome(t, s, rejected, 3) },
		},
		"Bookmark": {
			Write:   func(t *testing.T, s payments.Store) { must(t, s.SaveBookmark(t.Context(), "a")) },
			Rewrite: func(t *testing.T, s payments.Store) { must(t, s.SaveBookmark(t.Context(), "b")) },
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
		must(t, s.SaveBookmark(t.Context(), cursor))
		if got, err := s.Bookmark(t.Context()); err != nil || got != cursor {
			t.Errorf("Bookmark = %q, %v; want %q", got, err, cursor)
		}
	}
}

func refundComesBackAsSaved(t *testing.T, s payments.Store) {
	p := payment("1", 1, payments.StatusCaptured)
	p.Refunded = 1000
	save(t, s, p)
	want(t, s, p)
}

func unknownPaymentIsNotFound(t *testing.T, s payments.Store) {
	if _, err := s.Payment(t.Context(), "none"); !errors.Is(err, payments.ErrNoPayment) {
		t.Errorf("Payment: %v, want ErrNoPayment", err)
	}
}

func paymentComesBackAsSaved(t *testing.T, s payments.Store) {
	p := payment("1", 1, payments.StatusDeclined)
	p.DeclineCode, p.Dispute = "card_declined", payments.DisputeOpen
	save(t, s, p)
	want(t, s, p)
}

func saveClearsEmptyFields(t *testing.T, s payments.Store) {
	p := payment("1", 1, payments.StatusDeclined)
	p.DeclineCode = "card_declined"
	save(t, s, p)
	p = payment("1", 2, payments.StatusVoided)
	save(t, s, p)
	want(t, s, p)
}

func onlyTheNextVersionIsSaved(t *testing.T, s payments.Store) {
	storesuite.NextVersionOnly(t, func(orderID string, version int64) error {
		return s.Save(t.Context(), payment(orderID, version, payments.StatusCaptured), commit.With{})
	})
	want(t, s, payment("1", 2, payments.StatusCaptured))
}

func paymentsAreKeptByOrder(t *testing.T, s payments.Store) {
	one, two := payment("1", 1, payments.StatusAuthorized), payment("2", 1, payments.StatusDeclined)
	save(t, s, one)
	save(t, s, two)
	want(t, s, one)
	want(t, s, two)
}

func save(t *testing.T, s payments.Store, p payments.Payment) {
	t.Helper()
	must(t, s.Save(t.Context(), p, commit.With{}))
}

func saveOutcome(t *testing.T, s payments.Store, o payments.Outcome, before int64) {
	t.Helper()
	must(t, s.SaveOutcome(t.Context(), o, before, commit.With{}))
}

func want(t *testing.T, s payments.Store, p payments.Payment) {
	t.Helper()
	if got, err := s.Payment(t.Context(), p.OrderID); err != nil || got != p {
		t.Errorf("Payment = %+v, %v; want %+v", got, err, p)
	}
}

var must = storesuite.Must

func paymentsAreReadInOneBatch(t *testing.T, s payments.Store) {
	for _, id := range []string{"1", "2", "3"} {
		if err := s.Save(t.Context(), payment(id, 1, payments.StatusCaptured), commit.With{}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.Payments(t.Context(), []string{"3", "none", "1"})
	storesuite.WantMany(t, found, err, "3", "1")
	if len(found) > 0 && found[0] != payment("3", 1, payments.StatusCaptured) {
		t.Errorf("found %+v", found[0])
	}
}

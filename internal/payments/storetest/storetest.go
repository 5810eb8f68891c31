// Package storetest is the suite that every payments store passes.
package storetest

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Store is a payments store that can also do what the platform's part of the suite asks for.
type Store interface {
	payments.Store
	storesuite.Store
}

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) Store) {
	storesuite.Run(t, open)
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, Store){
		"UnknownPaymentIsNotFound":             unknown,
		"PaymentComesBackAsSaved":              roundTrip,
		"WhatWasRefundedComesBackAsSaved":      refunded,
		"SaveLosesTheRaceAgainstAnotherOne":    stale,
		"SaveClearsWhatIsEmptyNow":             clears,
		"PaymentsOfDifferentOrdersDoNotTangle": apart,
		"OutcomeIsKeptByVersion":               outcome,
		"BookmarkIsWhatWasSavedLast":           bookmark,
	})
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func payment(orderID string, version int64, status payments.Status) payments.Payment {
	return payments.Payment{OrderID: orderID, CustomerID: "c", Status: status, Amount: money.Money{Currency: "EUR", Amount: 4797},
		ChargeID: "ch_1", Version: version, UpdatedAt: start}
}

func outcome(t *testing.T, s Store) {
	if o, err := s.Outcome(t.Context(), "1"); err != nil || o != (payments.Outcome{}) {
		t.Errorf("Outcome of an unknown order = %+v, %v", o, err)
	}
	flagged := payments.Outcome{OrderID: "1", Status: payments.OrderNeedsAttention, Version: 3}
	over := payments.Outcome{OrderID: "1", Status: payments.OrderRejected, Version: 4}
	if err := errors.Join(s.SaveOutcome(t.Context(), flagged, 0, commit.With{}), s.SaveOutcome(t.Context(), over, 3, commit.With{})); err != nil {
		t.Fatal(err)
	}
	for _, before := range []int64{0, 3} {
		if err := s.SaveOutcome(t.Context(), flagged, before, commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("over version %d where 4 is stored: %v, want ErrLostRace", before, err)
		}
	}
	if o, err := s.Outcome(t.Context(), "1"); err != nil || o != over {
		t.Errorf("Outcome = %+v, %v", o, err)
	}
}

func bookmark(t *testing.T, s Store) {
	for _, cursor := range []string{"", "a", ""} {
		if err := s.SaveBookmark(t.Context(), cursor); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Bookmark(t.Context()); err != nil || got != cursor {
			t.Errorf("Bookmark = %q, %v; want %q", got, err, cursor)
		}
	}
}

func refunded(t *testing.T, s Store) {
	p := payment("1", 1, payments.StatusCaptured)
	p.Refunded = 1000
	if err := s.Save(t.Context(), p, commit.With{}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Payment(t.Context(), "1"); err != nil || got != p {
		t.Errorf("Payment = %+v, %v; want %+v", got, err, p)
	}
}

func unknown(t *testing.T, s Store) {
	if _, err := s.Payment(t.Context(), "none"); !errors.Is(err, payments.ErrNoPayment) {
		t.Errorf("Payment: %v, want ErrNoPayment", err)
	}
}

func roundTrip(t *testing.T, s Store) {
	p := payment("1", 1, payments.StatusDeclined)
	p.DeclineCode, p.Dispute = "card_declined", payments.DisputeOpen
	save(t, s, p)
	want(t, s, p)
}

func clears(t *testing.T, s Store) {
	p := payment("1", 1, payments.StatusDeclined)
	p.DeclineCode = "card_declined"
	save(t, s, p)
	p = payment("1", 2, payments.StatusVoided)
	save(t, s, p)
	want(t, s, p)
}

func stale(t *testing.T, s Store) {
	first := payment("1", 1, payments.StatusAuthorized)
	save(t, s, first)
	for _, version := range []int64{1, 3} {
		err := s.Save(t.Context(), payment("1", version, payments.StatusCaptured), commit.With{})
		if !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Save of version %d over version 1: %v, want ErrLostRace", version, err)
		}
	}
	if err := s.Save(t.Context(), payment("2", 2, payments.StatusCaptured), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Save of version 2 over nothing: %v, want ErrLostRace", err)
	}
	want(t, s, first)
}

func apart(t *testing.T, s Store) {
	one, two := payment("1", 1, payments.StatusAuthorized), payment("2", 1, payments.StatusDeclined)
	save(t, s, one)
	save(t, s, two)
	want(t, s, one)
	want(t, s, two)
}

func save(t *testing.T, s Store, p payments.Payment) {
	t.Helper()
	if err := s.Save(t.Context(), p, commit.With{}); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, s Store, p payments.Payment) {
	t.Helper()
	if got, err := s.Payment(t.Context(), p.OrderID); err != nil || got != p {
		t.Errorf("Payment = %+v, %v; want %+v", got, err, p)
	}
}

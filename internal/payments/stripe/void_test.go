package stripe_test

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/fault"
)

func (a *account) void(t *testing.T, chargeID string) (payments.Charge, bool) {
	t.Helper()
	c, found, err := a.Void(t.Context(), subject(chargeID))
	if err != nil {
		t.Fatalf("Void: %v", err)
	}
	return c, found
}

// The saga has given up, and its confirmation reaches Stripe after the void.
func TestLateConfirmationIsRefused(t *testing.T) {
	a := open(t)
	a.Between("/confirm", func() {
		if _, found := a.void(t, ""); found {
			t.Error("Void found a charge before the confirmation")
		}
	})
	if _, err := a.authorize("pm_card_visa"); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Authorize: %v, want ErrReferenceVoided", err)
	}
	a.want(t, "canceled")
}

func TestConfirmationDuringAVoidIsCancelled(t *testing.T) {
	a := open(t)
	a.Between("/cancel", func() { a.held(t) })
	if c, found := a.void(t, ""); !found || c.Status != payments.ChargeVoided {
		t.Errorf("Void = %+v, %v; want the charge, voided", c, found)
	}
	a.want(t, "canceled")
}

func TestCaptureDuringAVoidIsRefunded(t *testing.T) {
	a := open(t)
	held := a.held(t)
	a.Between("/cancel", func() {
		if _, err := a.Capture(t.Context(), subject(held.ID)); err != nil {
			t.Error(err)
		}
	})
	if c, found := a.void(t, held.ID); !found || c.Status != payments.ChargeRefunded {
		t.Errorf("Void = %+v, %v; want the charge, refunded", c, found)
	}
}

// After a day Stripe has forgotten the keys, so creating the intent again would make another one.
func TestVoidAfterADayFindsTheIntentBySearch(t *testing.T) {
	a := open(t)
	held := a.held(t)
	a.ForgetKeys()
	a.Index()
	if c, found := a.void(t, ""); !found || c.ID != held.ID || c.Status != payments.ChargeVoided {
		t.Errorf("Void = %+v, %v; want the charge, voided", c, found)
	}
	a.want(t, "canceled")
}

func TestVoidUndoesEveryIntentOfAReference(t *testing.T) {
	a := open(t)
	a.held(t)
	a.ForgetKeys()
	a.held(t)
	a.Index()
	a.void(t, "")
	a.want(t, "canceled", "canceled")
}

func TestVoidWithAnotherAmountIsADefect(t *testing.T) {
	a := open(t)
	a.held(t)
	s := subject("")
	s.Amount = eur(1)
	_, _, err := a.Void(t.Context(), s)
	wantKind(t, "Void", err, fault.Internal)
	a.want(t, "requires_capture")
}

func TestVoidOfAnUnknownIDFindsNothing(t *testing.T) {
	a := open(t)
	if c, found := a.void(t, "pi_of_another_account"); found {
		t.Errorf("Void found %+v", c)
	}
	a.want(t)
}

func TestVoidDoesNotTouchAnIntentOfAnotherOrder(t *testing.T) {
	a := open(t)
	held := a.held(t)
	s := subject(held.ID)
	s.Reference = "another"
	_, _, err := a.Void(t.Context(), s)
	wantKind(t, "Void", err, fault.Transient)
	a.want(t, "requires_capture")
}

func TestVoidOfADisputedChargeIsADefect(t *testing.T) {
	a := open(t)
	held := a.held(t)
	if _, err := a.Capture(t.Context(), subject(held.ID)); err != nil {
		t.Fatal(err)
	}
	a.Dispute(held.ID, "needs_response")
	_, _, err := a.Void(t.Context(), subject(held.ID))
	wantKind(t, "Void", err, fault.Internal)
}

func TestVoidOfAProcessingIntentIsRetried(t *testing.T) {
	a := open(t)
	held := a.held(t)
	a.Set(held.ID, "processing")
	_, _, err := a.Void(t.Context(), subject(held.ID))
	wantKind(t, "Void", err, fault.Transient)
	a.Set(held.ID, "requires_capture")
	a.void(t, held.ID)
	a.want(t, "canceled")
}

func TestLapsedAuthorizationCannotBeCaptured(t *testing.T) {
	a := open(t)
	held := a.held(t)
	a.Set(held.ID, "canceled")
	if _, err := a.Capture(t.Context(), subject(held.ID)); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Capture: %v, want ErrReferenceVoided", err)
	}
	if c, found := a.void(t, held.ID); !found || c.Status != payments.ChargeVoided {
		t.Errorf("Void = %+v, %v", c, found)
	}
}

func TestDeclinedPaymentCannotBeCaptured(t *testing.T) {
	a := open(t)
	if _, err := a.authorize("pm_card_visa_chargeDeclined"); err == nil {
		t.Fatal("it was authorized")
	}
	if _, err := a.Capture(t.Context(), subject(a.IntentIDs(order)[0])); !errors.Is(err, payments.ErrNoCharge) {
		t.Errorf("Capture: %v, want ErrNoCharge", err)
	}
}

func TestLedgerGoesBackAMonthAndHasOnlyOrders(t *testing.T) {
	a := open(t)
	a.held(t)
	a.clock.Advance(31*24*time.Hour + time.Second)
	for n := range 60 { // more than a page; the second half is declined
		s := authorization("pm_card_visa")
		if s.Reference = string(rune('a' + n)); n >= 30 {
			s.PaymentMethod = "pm_card_visa_chargeDeclined"
		}
		s.IdempotencyKey = s.Reference
		if _, err := a.Authorize(t.Context(), s); err != nil && n < 30 {
			t.Fatal(err)
		}
	}
	foreign := a.AddForeign()
	seen, pages := map[string]bool{}, 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		page, next, err := a.Ledger(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			seen[e.Reference] = true
			if e.CreatedAt != a.clock.Now() {
				t.Errorf("%+v was created %v", e, e.CreatedAt)
			}
		}
		cursor = next
	}
	if c, found, err := a.Find(t.Context(), payments.Subject{ChargeID: foreign}); found || err != nil {
		t.Errorf("Find of a foreign charge = %+v, %v, %v", c, found, err)
	}
	if len(seen) != 30 || pages != 2 || seen[order] {
		t.Errorf("%d entries on %d pages, the old one: %v", len(seen), pages, seen[order])
	}
	if _, _, err := a.Ledger(t.Context(), "pi_unknown"); err == nil {
		t.Error("an unknown cursor was accepted")
	}
}

func TestFindReturnsTheStateOfADispute(t *testing.T) {
	a := open(t)
	held := a.held(t)
	a.Index()
	for status, want := range map[string]payments.Dispute{
		"needs_response": payments.DisputeOpen, "warning_needs_response": payments.DisputeOpen,
		"under_review": payments.DisputeOpen, "won": payments.DisputeWon,
		"warning_closed": payments.DisputeWon, "lost": payments.DisputeLost,
	} {
		a.Dispute(held.ID, status)
		for _, s := range []payments.Subject{{ChargeID: held.ID}, {Reference: order}} {
			if c, found, err := a.Find(t.Context(), s); err != nil || !found || c.Dispute != want {
				t.Errorf("%s: %+v, %v, %v; want %s", status, c, found, err, want)
			}
		}
	}
}

// A quote in a reference must not widen the search to other orders.
func TestReferenceIsQuotedInTheSearch(t *testing.T) {
	a := open(t)
	a.held(t)
	a.Index()
	injected := payments.Subject{Reference: `x' OR metadata['order_id']:'` + order}
	if c, found, err := a.Find(t.Context(), injected); found || err != nil {
		t.Errorf("Find = %+v, %v, %v", c, found, err)
	}
}

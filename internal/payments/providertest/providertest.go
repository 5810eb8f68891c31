// Package providertest is the contract suite for payment providers.
package providertest

import (
	"errors"
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/platform/money"
)

var total = money.Money{Currency: "EUR", Amount: 4797}

// declined maps payment methods that the provider under test must decline to their decline codes.
var declined = map[string]string{
	"pm_card_visa_chargeDeclined":                  "card_declined",
	"pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
}

// Dashboard is the provider's own site.
type Dashboard interface {
	// Refund refunds a part of the reference's captured charge.
	Refund(reference string, amount int64)
	// Authenticate lets the customer authenticate the reference's authorization, or fail to. It
	// does nothing if nothing waits for it.
	Authenticate(reference string, succeeds bool)
}

// Run runs the suite. open returns a provider without charges, and its dashboard.
func Run(t *testing.T, open func(t *testing.T) (payments.Provider, Dashboard)) {
	cases := map[string]func(*testing.T, provider){
		"AuthorizeHoldsTheAmount":               authorizes,
		"SameKeyGivesTheSameCharge":             sameKey,
		"DeclineIsFinalAndLeavesNoCharge":       declines,
		"CaptureHappensOnce":                    captures,
		"CaptureWithoutAChargeIsRefused":        capturesNothing,
		"VoidVoidsAnAuthorizedCharge":           voids,
		"VoidRefundsACapturedCharge":            refunds,
		"RepeatedVoidReturnsTheSame":            voidsAgain,
		"VoidWithoutAChargeBarsLaterCharges":    tombstone,
		"VoidBarsALateCapture":                  lateCapture,
		"VoidLeavesOtherReferences":             referencesAreIndependent,
		"VoidNeedsNoChargeID":                   voidsWithoutID,
		"VoidRefundsAnUnknownCapture":           refundsWithoutID,
		"LateCaptureOfARefundedChargeIsRefused": lateCaptureOfRefunded,
		"AnotherKeyMakesNoSecondCharge":         anotherKey,
		"VoidAfterADeclineBarsLaterCharges":     voidsDecline,
		"FindReturnsTheCurrentCharge":           finds,
		"FindIgnoresDeclines":                   findsNoDecline,
		"LedgerHasEveryCurrentCharge":           ledger,

		"CustomerAuthenticates":       authenticates,
		"CustomerFailsToAuthenticate": failsToAuthenticate,
		"VoidBarsALateAuthentication": lateAuthentication,

		"RefundOnSiteIsVisible":              refundsOnSite,
		"VoidRefundsTheRest":                 voidsTheRest,
		"VoidOfAChargeRefundedOnSite":        voidsNothing,
		"LateCaptureOfAPartlyRefundedCharge": lateCaptureOfPartlyRefunded,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) {
			p, d := open(t)
			run(t, provider{p, d})
		})
	}
}

// provider is the provider under test with its own site.
type provider struct {
	payments.Provider
	Dashboard
}

func authorization(reference, key string) payments.Authorization {
	return payments.Authorization{
		Reference: reference, IdempotencyKey: key, Amount: total, PaymentMethod: "pm_card_visa",
	}
}

func authorize(t *testing.T, p payments.Provider, reference, key string) payments.Charge {
	t.Helper()
	c, err := p.Authorize(t.Context(), authorization(reference, key))
	if err != nil {
		t.Fatalf("Authorize: %v", err)
	}
	return c
}

func subject(reference, chargeID, key string) payments.Subject {
	return payments.Subject{Reference: reference, ChargeID: chargeID, Amount: total, IdempotencyKey: key}
}

// capture captures a charge.
func capture(t *testing.T, p payments.Provider, held payments.Charge) payments.Charge {
	t.Helper()
	c, err := p.Capture(t.Context(), subject(held.Reference, held.ID, "capture-"+held.Reference))
	if err != nil {
		t.Fatalf("Capture: %v", err)
	}
	return c
}

// void voids without the charge's id.
func void(t *testing.T, p payments.Provider, reference string) (payments.Charge, bool) {
	t.Helper()
	return voidKnown(t, p, payments.Charge{Reference: reference})
}

func voidKnown(t *testing.T, p payments.Provider, held payments.Charge) (payments.Charge, bool) {
	t.Helper()
	c, found, err := p.Void(t.Context(), subject(held.Reference, held.ID, "void-"+held.Reference))
	if err != nil {
		t.Fatalf("Void: %v", err)
	}
	return c, found
}

func authorizes(t *testing.T, p provider) {
	c := authorize(t, p, "a", "1")
	want := payments.Charge{ID: c.ID, Reference: "a", Status: payments.ChargeAuthorized, Amount: total}
	if c != want || c.ID == "" {
		t.Errorf("Authorize = %+v, want %+v with an id", c, want)
	}
}

func sameKey(t *testing.T, p provider) {
	if first, again := authorize(t, p, "a", "1"), authorize(t, p, "a", "1"); first != again {
		t.Errorf("the same key gave %+v, then %+v", first, again)
	}
}

func declines(t *testing.T, p provider) {
	for method, code := range declined {
		a := authorization(code, code)
		a.PaymentMethod = method
		for range 2 {
			_, err := p.Authorize(t.Context(), a)
			var no *payments.Declined
			if !errors.As(err, &no) || no.Code != code {
				t.Errorf("Authorize with %s: %v, want a decline with %s", method, err, code)
			}
		}
		if c, found := void(t, p, code); found {
			t.Errorf("a decline left charge %+v", c)
		}
	}
}

func captures(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	for range 2 {
		if c := capture(t, p, held); c.ID != held.ID || c.Status != payments.ChargeCaptured || c.Amount != total {
			t.Errorf("Capture = %+v; want the charge, captured", c)
		}
	}
	c, err := p.Capture(t.Context(), subject("a", held.ID, "another"))
	if err != nil || c.Status != payments.ChargeCaptured {
		t.Errorf("Capture by another key = %+v, %v; want the charge, captured", c, err)
	}
}

func capturesNothing(t *testing.T, p provider) {
	if _, err := p.Capture(t.Context(), subject("a", "no_such_charge", "1")); !errors.Is(err, payments.ErrNoCharge) {
		t.Errorf("Capture: %v, want ErrNoCharge", err)
	}
}

func voids(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	c, found := voidKnown(t, p, held)
	if !found || c.ID != held.ID || c.Status != payments.ChargeVoided || c.Amount != total {
		t.Errorf("Void = %+v, %v; want the charge, voided", c, found)
	}
}

func refunds(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	capture(t, p, held)
	for range 2 {
		if c, found := voidKnown(t, p, held); !found || c.ID != held.ID || c.Status != payments.ChargeRefunded {
			t.Errorf("Void = %+v, %v; want the charge, refunded", c, found)
		}
	}
}

func voidsAgain(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	first, _ := voidKnown(t, p, held)
	for range 2 {
		if again, found := voidKnown(t, p, held); !found || again != first || first.Status != payments.ChargeVoided {
			t.Errorf("Void again = %+v, %v; want %+v", again, found, first)
		}
		held.ID = "" // the repair may not know it
	}
}

func tombstone(t *testing.T, p provider) {
	if c, found := void(t, p, "a"); found {
		t.Errorf("Void of nothing found %+v", c)
	}
	if _, err := p.Authorize(t.Context(), authorization("a", "late")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Authorize after Void: %v, want ErrReferenceVoided", err)
	}
	if c, found := void(t, p, "a"); found {
		t.Errorf("the late authorization left charge %+v", c)
	}
}

func lateCapture(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	void(t, p, "a")
	if _, err := p.Capture(t.Context(), subject("a", held.ID, "2")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Capture after Void: %v, want ErrReferenceVoided", err)
	}
	if c, _ := void(t, p, "a"); c.Status != payments.ChargeVoided {
		t.Errorf("after a late capture the charge is %s", c.Status)
	}
}

func referencesAreIndependent(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	void(t, p, "b")
	if c := capture(t, p, held); c.Status != payments.ChargeCaptured {
		t.Errorf("Capture = %+v; want captured", c)
	}
}

func voidsWithoutID(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	if c, found := void(t, p, "a"); !found || c.ID != held.ID || c.Status != payments.ChargeVoided {
		t.Errorf("Void = %+v, %v; want the charge, voided", c, found)
	}
}

func refundsWithoutID(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	capture(t, p, held)
	if c, found := void(t, p, "a"); !found || c.ID != held.ID || c.Status != payments.ChargeRefunded {
		t.Errorf("Void = %+v, %v; want the charge, refunded", c, found)
	}
}

func lateCaptureOfRefunded(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	capture(t, p, held)
	voidKnown(t, p, held)
	if _, err := p.Capture(t.Context(), subject("a", held.ID, "late")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Capture after the refund: %v, want ErrReferenceVoided", err)
	}
}

func anotherKey(t *testing.T, p provider) {
	first := authorize(t, p, "a", "1")
	if again := authorize(t, p, "a", "2"); again != first {
		t.Errorf("another key for the reference gave %+v, then %+v", first, again)
	}
}

func voidsDecline(t *testing.T, p provider) {
	a := authorization("a", "1")
	a.PaymentMethod = "pm_card_visa_chargeDeclined"
	if _, err := p.Authorize(t.Context(), a); err == nil {
		t.Error("a payment method that must be declined was accepted")
	}
	void(t, p, "a")
	if _, err := p.Authorize(t.Context(), authorization("a", "late")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Authorize after Void: %v, want ErrReferenceVoided", err)
	}
}

func finds(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	authorize(t, p, "b", "2")
	see := func(want payments.ChargeStatus) {
		t.Helper()
		refunded := map[payments.ChargeStatus]int64{payments.ChargeRefunded: total.Amount}[want]
		wantFound(t, p, payments.Charge{ID: held.ID, Reference: "a", Status: want, Amount: total, Refunded: refunded})
	}
	see(payments.ChargeAuthorized)
	capture(t, p, held)
	see(payments.ChargeCaptured)
	voidKnown(t, p, held)
	see(payments.ChargeRefunded)
	for _, s := range []payments.Subject{
		{ChargeID: "no_such_charge"}, {Reference: "nobody"}, {Reference: "not a reference of ours"},
		{Reference: "a", ChargeID: "no_such_charge"},
	} {
		if c, found, err := p.Find(t.Context(), s); found || err != nil {
			t.Errorf("Find(%+v) = %+v, %v, %v", s, c, found, err)
		}
	}
}

func wantFound(t *testing.T, p payments.Provider, want payments.Charge) {
	t.Helper()
	if c, found, err := p.Find(t.Context(), payments.Subject{ChargeID: want.ID}); err != nil || !found || c != want {
		t.Errorf("Find = %+v, %v, %v; want %+v", c, found, err, want)
	}
}

func refundsOnSite(t *testing.T, p provider) {
	want := capture(t, p, authorize(t, p, "a", "1"))
	for _, amount := range []int64{1000, 500, total.Amount - 1500} {
		p.Refund("a", amount)
		if want.Refunded += amount; want.Refunded == total.Amount {
			want.Status = payments.ChargeRefunded
		}
		wantFound(t, p, want)
		page, _, err := p.Ledger(t.Context(), "")
		if err != nil || len(page) != 1 || page[0].Charge != want {
			t.Errorf("Ledger = %+v, %v; want %+v", page, err, want)
		}
	}
}

func voidsTheRest(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	capture(t, p, held)
	p.Refund("a", 1000)
	for range 2 {
		if c, found := voidKnown(t, p, held); !found || c.Status != payments.ChargeRefunded ||
			c.Refunded != total.Amount {
			t.Errorf("Void = %+v, %v; want a full refund", c, found)
		}
	}
}

func voidsNothing(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	capture(t, p, held)
	p.Refund("a", total.Amount)
	if c, found := voidKnown(t, p, held); !found || c.Status != payments.ChargeRefunded || c.Refunded != total.Amount {
		t.Errorf("Void = %+v, %v; want a full refund and no more", c, found)
	}
	if _, err := p.Capture(t.Context(), subject("a", held.ID, "late")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Capture after the refund: %v, want ErrReferenceVoided", err)
	}
}

func lateCaptureOfPartlyRefunded(t *testing.T, p provider) {
	held := authorize(t, p, "a", "1")
	capture(t, p, held)
	p.Refund("a", 1000)
	if c := capture(t, p, held); c.Status != payments.ChargeCaptured {
		t.Errorf("Capture = %+v; want the charge, captured", c)
	}
	p.Refund("a", total.Amount-1000)
	if _, err := p.Capture(t.Context(), subject("a", held.ID, "late")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Capture after the refund: %v, want ErrReferenceVoided", err)
	}
}

func findsNoDecline(t *testing.T, p provider) {
	a := authorization("a", "1")
	a.PaymentMethod = "pm_card_visa_chargeDeclined"
	if _, err := p.Authorize(t.Context(), a); err == nil {
		t.Error("a payment method that must be declined was accepted")
	}
	void(t, p, "b")
	for _, reference := range []string{"a", "b"} {
		if c, found, err := p.Find(t.Context(), payments.Subject{Reference: reference}); found || err != nil {
			t.Errorf("Find(%s) = %+v, %v, %v; want none", reference, c, found, err)
		}
	}
}

func ledger(t *testing.T, p provider) {
	want := map[string]payments.ChargeStatus{}
	for _, reference := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		authorize(t, p, reference, reference)
		want[reference] = payments.ChargeAuthorized
	}
	void(t, p, "b")
	want["b"] = payments.ChargeVoided
	declined := authorization("declined", "declined")
	declined.PaymentMethod = "pm_card_visa_chargeDeclined"
	if _, err := p.Authorize(t.Context(), declined); err == nil {
		t.Error("a payment method that must be declined was accepted")
	}
	void(t, p, "never-charged")
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, next, err := p.Ledger(t.Context(), cursor)
		if err != nil || pages > 9 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, c := range page {
			if c.Status != want[c.Reference] || c.ID == "" || c.Amount != total || c.CreatedAt.IsZero() {
				t.Errorf("the ledger has %+v, want status %q", c, want[c.Reference])
			}
			delete(want, c.Reference)
		}
		cursor = next
	}
	if len(want) > 0 {
		t.Errorf("missing in the ledger, or listed twice: %v", want)
	}
}

// asks authorizes with a payment method for which the customer must act.
func asks(t *testing.T, p payments.Provider) (payments.Charge, error) {
	t.Helper()
	a := authorization("a", "1")
	a.PaymentMethod = "pm_card_authenticationRequired"
	return p.Authorize(t.Context(), a)
}

// waits checks that the provider waits for the customer, however often it is asked.
func waits(t *testing.T, p provider) {
	t.Helper()
	for range 2 {
		_, err := asks(t, p)
		var act *payments.ActionRequired
		if !errors.As(err, &act) || act.URL == "" {
			t.Fatalf("Authorize: %v, want ActionRequired with a page", err)
		}
	}
}

func status(t *testing.T, p provider) payments.ChargeStatus {
	t.Helper()
	c, _, err := p.Find(t.Context(), payments.Subject{Reference: "a"})
	if err != nil {
		t.Fatal(err)
	}
	return c.Status
}

func authenticates(t *testing.T, p provider) {
	waits(t, p)
	if got := status(t, p); got != payments.ChargeActionRequired && got != "" { // a search may lag
		t.Errorf("Find has %s while the customer must act", got)
	}
	if page, _, err := p.Ledger(t.Context(), ""); len(page) > 0 || err != nil {
		t.Errorf("the ledger has %v, %v while the customer must act", page, err)
	}
	p.Authenticate("a", true)
	for range 2 {
		c, err := asks(t, p)
		if err != nil || c.Status != payments.ChargeAuthorized || c.ID == "" || c.Amount != total {
			t.Fatalf("Authorize after the authentication: %+v, %v", c, err)
		}
	}
	if c, found := void(t, p, "a"); !found || c.Status != payments.ChargeVoided {
		t.Errorf("Void = %+v, %v", c, found)
	}
}

func failsToAuthenticate(t *testing.T, p provider) {
	waits(t, p)
	p.Authenticate("a", false)
	for range 2 {
		_, err := asks(t, p)
		var no *payments.Declined
		if !errors.As(err, &no) || no.Code == "" {
			t.Errorf("Authorize after a failed authentication: %v, want a decline", err)
		}
	}
	if got := status(t, p); got != "" {
		t.Errorf("Find has %s after a failed authentication", got)
	}
	if c, found := void(t, p, "a"); found {
		t.Errorf("a failed authentication left charge %+v", c)
	}
}

func lateAuthentication(t *testing.T, p provider) {
	waits(t, p)
	if c, found := void(t, p, "a"); found {
		t.Errorf("Void = %+v while the customer must act", c)
	}
	p.Authenticate("a", true)
	if c, err := asks(t, p); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Authorize after the void: %+v, %v, want ErrReferenceVoided", c, err)
	}
	if got := status(t, p); got != "" {
		t.Errorf("Find has %s after the void", got)
	}
}

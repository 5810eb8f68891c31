// Package providertest is the suite that every payment provider passes, and a server that offers any provider over
// HTTP, as the sandbox does.
package providertest

import (
	"errors"
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/platform/money"
)

var total = money.Money{Currency: "EUR", Amount: 4797}

// Declines are payment methods that a provider under test must decline, and the code with which it does.
var Declines = map[string]string{
	"pm_card_visa_chargeDeclined":                  "card_declined",
	"pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
}

// Run runs the suite; open returns a provider without charges.
func Run(t *testing.T, open func(t *testing.T) payments.Provider) {
	cases := map[string]func(*testing.T, payments.Provider){
		"AuthorizeHoldsTheAmount":           authorizes,
		"SameKeyGivesTheSameCharge":         sameKey,
		"DeclineIsFinalAndNoCharge":         declines,
		"CaptureTakesWhatIsHeldOnce":        captures,
		"CaptureOfNothingIsRefused":         capturesNothing,
		"VoidLetsGoWhatIsHeld":              voids,
		"VoidGivesBackWhatWasTaken":         refunds,
		"VoidAgainTellsTheSame":             voidsAgain,
		"VoidOfNothingBarsWhatComesLater":   tombstone,
		"VoidBarsALateCapture":              lateCapture,
		"VoidOfOneReferenceLeavesTheOthers": apart,
		"LedgerShowsEveryChargeAsItIs":      ledger,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func authorization(reference, key string) payments.Authorization {
	return payments.Authorization{Reference: reference, IdempotencyKey: key, Amount: total, PaymentMethod: "pm_card_visa"}
}

func authorize(t *testing.T, p payments.Provider, reference, key string) payments.Charge {
	t.Helper()
	c, err := p.Authorize(t.Context(), authorization(reference, key))
	if err != nil {
		t.Fatalf("Authorize: %v", err)
	}
	return c
}

func void(t *testing.T, p payments.Provider, reference string) (payments.Charge, bool) {
	t.Helper()
	c, found, err := p.Void(t.Context(), reference, "void-"+reference)
	if err != nil {
		t.Fatalf("Void: %v", err)
	}
	return c, found
}

func authorizes(t *testing.T, p payments.Provider) {
	c := authorize(t, p, "a", "1")
	want := payments.Charge{ID: c.ID, Reference: "a", Status: payments.ChargeAuthorized, Amount: total}
	if c != want || c.ID == "" {
		t.Errorf("Authorize = %+v, want %+v with an id", c, want)
	}
}

func sameKey(t *testing.T, p payments.Provider) {
	if first, again := authorize(t, p, "a", "1"), authorize(t, p, "a", "1"); first != again {
		t.Errorf("the same key gave %+v, then %+v", first, again)
	}
}

func declines(t *testing.T, p payments.Provider) {
	for method, code := range Declines {
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
			t.Errorf("a decline left %+v", c)
		}
	}
}

func captures(t *testing.T, p payments.Provider) {
	held := authorize(t, p, "a", "1")
	for range 2 {
		c, err := p.Capture(t.Context(), "a", "2")
		if err != nil || c.ID != held.ID || c.Status != payments.ChargeCaptured {
			t.Errorf("Capture = %+v, %v; want the charge, captured", c, err)
		}
	}
}

func capturesNothing(t *testing.T, p payments.Provider) {
	if _, err := p.Capture(t.Context(), "a", "1"); !errors.Is(err, payments.ErrNoCharge) {
		t.Errorf("Capture: %v, want ErrNoCharge", err)
	}
}

func voids(t *testing.T, p payments.Provider) {
	held := authorize(t, p, "a", "1")
	if c, found := void(t, p, "a"); !found || c.ID != held.ID || c.Status != payments.ChargeVoided {
		t.Errorf("Void = %+v, %v; want the charge, voided", c, found)
	}
}

func refunds(t *testing.T, p payments.Provider) {
	held := authorize(t, p, "a", "1")
	if _, err := p.Capture(t.Context(), "a", "2"); err != nil {
		t.Fatal(err)
	}
	if c, found := void(t, p, "a"); !found || c.ID != held.ID || c.Status != payments.ChargeRefunded {
		t.Errorf("Void = %+v, %v; want the charge, refunded", c, found)
	}
}

func voidsAgain(t *testing.T, p payments.Provider) {
	authorize(t, p, "a", "1")
	first, _ := void(t, p, "a")
	if again, found := void(t, p, "a"); !found || again != first {
		t.Errorf("Void again = %+v, %v; want %+v", again, found, first)
	}
}

func tombstone(t *testing.T, p payments.Provider) {
	if c, found := void(t, p, "a"); found {
		t.Errorf("Void of nothing found %+v", c)
	}
	if _, err := p.Authorize(t.Context(), authorization("a", "late")); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Authorize after Void: %v, want ErrReferenceVoided", err)
	}
	if c, found := void(t, p, "a"); found {
		t.Errorf("the late authorization left %+v", c)
	}
}

func lateCapture(t *testing.T, p payments.Provider) {
	authorize(t, p, "a", "1")
	void(t, p, "a")
	if _, err := p.Capture(t.Context(), "a", "2"); !errors.Is(err, payments.ErrReferenceVoided) {
		t.Errorf("Capture after Void: %v, want ErrReferenceVoided", err)
	}
	if c, _ := void(t, p, "a"); c.Status != payments.ChargeVoided {
		t.Errorf("after a late capture the charge is %s", c.Status)
	}
}

func apart(t *testing.T, p payments.Provider) {
	authorize(t, p, "a", "1")
	void(t, p, "b")
	if c, err := p.Capture(t.Context(), "a", "2"); err != nil || c.Status != payments.ChargeCaptured {
		t.Errorf("Capture = %+v, %v; want captured", c, err)
	}
}

func ledger(t *testing.T, p payments.Provider) {
	want := map[string]payments.ChargeStatus{}
	for _, reference := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		authorize(t, p, reference, reference)
		want[reference] = payments.ChargeAuthorized
	}
	void(t, p, "b")
	want["b"] = payments.ChargeVoided
	void(t, p, "never charged")
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, next, err := p.Ledger(t.Context(), cursor)
		if err != nil || pages > 9 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, c := range page {
			if c.Status != want[c.Reference] || c.ID == "" || c.Amount != total || c.CreatedAt.IsZero() {
				t.Errorf("the ledger has %+v, want one that is %q", c, want[c.Reference])
			}
			delete(want, c.Reference)
		}
		cursor = next
	}
	if len(want) > 0 {
		t.Errorf("not in the ledger, or twice: %v", want)
	}
}

package provider_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/memory"
	"orderflow/sandbox/web"
)

var (
	now = clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	eur = money.Money{Currency: "EUR", Amount: 1999}
)

func newProvider() *provider.Provider {
	return provider.New(memory.New(now), now, ids.Random(now), site)
}

// charge charges reference r with a key.
func charge(t *testing.T, p *provider.Provider, key, method string) (provider.Charge, error) {
	t.Helper()
	in := provider.Request{Reference: "r", Amount: eur, PaymentMethod: method}
	return p.Charge(t.Context(), idempotency.Request{Scope: "charges", Key: key, Hash: fmt.Sprint(in)}, in)
}

func TestGoodMethodIsAuthorizedForTheAmount(t *testing.T) {
	for _, method := range []string{"pm_card_visa", "sandbox_timeout"} {
		c, err := charge(t, newProvider(), "k", method)
		want := provider.Charge{
			ID: c.ID, Reference: "r", Status: provider.StatusAuthorized, Amount: eur, CreatedAt: now.Now(),
		}
		if err != nil || c != want || len(c.ID) != len("ch_")+26 {
			t.Errorf("%s: %+v, %v; want %+v", method, c, err, want)
		}
	}
}

func TestRefundIsDoneOnceAndNeverExceedsTheRest(t *testing.T) {
	p := newProvider()
	refund := func(key string, amount int64, currency string) (provider.Charge, error) {
		in := provider.Refund{Amount: money.Money{Currency: currency, Amount: amount}}
		return p.Refund(t.Context(), "r", idempotency.Request{Scope: "refunds r", Key: key, Hash: fmt.Sprint(in)}, in)
	}
	_, err := refund("early", 1, "EUR")
	wantCode(t, err, "charge_not_found")
	_, err = charge(t, p, "k", "pm_card_visa")
	must(t, err)
	_, err = refund("early", 1, "EUR")
	wantCode(t, err, "not_captured")
	_, err = p.Capture(t.Context(), "r")
	must(t, err)
	for range 2 { // the second is a replay
		c, err := refund("1", 999, "EUR")
		if err != nil || !c.Captured || c.RefundedAmount.Amount != 999 {
			t.Errorf("%+v, %v; want 999 refunded and the rest captured", c, err)
		}
	}
	_, err = refund("2", 1001, "EUR")
	wantCode(t, err, "refund_exceeds_charge")
	_, err = refund("3", 1, "USD")
	wantCode(t, err, "refund_exceeds_charge")
	c, err := refund("4", 1000, "EUR")
	if err != nil || c.Captured || c.Status != provider.StatusRefunded || c.RefundedAmount != eur {
		t.Errorf("%+v, %v; want a full refund", c, err)
	}
	_, err = p.Capture(t.Context(), "r")
	wantCode(t, err, "reference_voided")
}

func TestDeclinedMethodLeavesNoCharge(t *testing.T) {
	for method, code := range map[string]string{
		"pm_card_visa_chargeDeclined":                  "card_declined",
		"pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_nobody_knows":                              "card_declined",
	} {
		p := newProvider()
		for range 2 { // the second is a replay
			_, err := charge(t, p, "k", method)
			wantCode(t, err, code)
		}
		wantCharges(t, p)
	}
}

func TestDeclinedReferenceCanBeChargedByAnotherMethod(t *testing.T) {
	p := newProvider()
	_, err := charge(t, p, "k1", "pm_card_visa_chargeDeclined")
	wantCode(t, err, "card_declined")
	c, err := charge(t, p, "k2", "pm_card_visa")
	must(t, err)
	wantCharges(t, p, c)
}

func TestBrokenMethodAlwaysFailsAndLeavesNoCharge(t *testing.T) {
	p := newProvider()
	for range 5 {
		_, err := charge(t, p, "k", "sandbox_error")
		wantCode(t, err, "internal")
	}
	wantCharges(t, p)
}

func TestFlakyMethodFailsTwiceThenCharges(t *testing.T) {
	p := newProvider()
	for range 2 {
		_, err := charge(t, p, "k", "sandbox_flaky")
		wantCode(t, err, "internal")
		wantCharges(t, p)
	}
	c, err := charge(t, p, "k", "sandbox_flaky")
	must(t, err)
	again, err := charge(t, p, "k", "sandbox_flaky")
	must(t, err)
	if again != c {
		t.Errorf("again: %+v, want %+v", again, c)
	}
	wantCharges(t, p, c)
}

func TestSameKeyGetsTheFirstResultAfterACapture(t *testing.T) {
	p := newProvider()
	first, err := charge(t, p, "k", "pm_card_visa")
	must(t, err)
	_, err = p.Capture(t.Context(), "r")
	must(t, err)
	if again, err := charge(t, p, "k", "pm_card_visa"); err != nil || again != first {
		t.Errorf("replay: %+v, %v; want %+v", again, err, first)
	}
}

func TestAnotherKeyGetsTheChargeOfItsReference(t *testing.T) {
	p := newProvider()
	first, err := charge(t, p, "k1", "pm_card_visa")
	must(t, err)
	if again, err := charge(t, p, "k2", "pm_card_visa"); err != nil || again != first {
		t.Errorf("another key: %+v, %v; want %+v", again, err, first)
	}
	in := provider.Request{Reference: "r", Amount: money.Money{Currency: "EUR", Amount: 1},
		PaymentMethod: "pm_card_visa"}
	_, err = p.Charge(t.Context(), idempotency.Request{Scope: "charges", Key: "k3", Hash: "h"}, in)
	wantCode(t, err, "reference_used")
	wantCharges(t, p, first)
}

func TestCaptureIsIdempotent(t *testing.T) {
	p := newProvider()
	_, err := p.Capture(t.Context(), "r")
	wantCode(t, err, "charge_not_found")
	c, err := charge(t, p, "k", "pm_card_visa")
	must(t, err)
	for range 2 {
		got, err := p.Capture(t.Context(), "r")
		if want := c.In(provider.StatusCaptured); err != nil || got != want || !got.Captured {
			t.Errorf("Capture = %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestDisputedMethodIsDisputedWhenCaptured(t *testing.T) {
	p := newProvider()
	c, err := charge(t, p, "k", "pm_card_createDispute")
	if err != nil || c.Dispute != "" {
		t.Fatalf("%+v, %v; want no dispute yet", c, err)
	}
	if c, err = p.Capture(t.Context(), "r"); err != nil || c.Dispute != "OPEN" {
		t.Errorf("captured: %+v, %v; want an open dispute", c, err)
	}
	wantCharges(t, p, c)
}

func TestChargeIsFoundByItsID(t *testing.T) {
	p := newProvider()
	c, err := charge(t, p, "k", "pm_card_visa")
	must(t, err)
	if got, err := p.ChargeByID(t.Context(), c.ID); err != nil || len(got) != 1 || got[0] != c {
		t.Errorf("by id: %v, %v; want %v", got, err, c)
	}
	if got, err := p.ChargeByID(t.Context(), "ch_other"); err != nil || len(got) != 0 {
		t.Errorf("by an unknown id: %v, %v", got, err)
	}
}

func TestVoidsOfAStuckChargeAreRefusedNineTimes(t *testing.T) {
	p := newProvider()
	c, err := charge(t, p, "k", "sandbox_void_error")
	must(t, err)
	for range 9 {
		if _, err := p.Void(t.Context(), "r"); !errors.Is(err, provider.ErrVoidRefused) {
			t.Fatalf("%v, want a refusal", err)
		}
		wantCharges(t, p, c)
	}
	wantVoid(t, p, c.In(provider.StatusVoided))
}

func TestVoidReleasesAnAuthorization(t *testing.T) {
	p := newProvider()
	c, err := charge(t, p, "k", "sandbox_timeout")
	must(t, err)
	wantVoid(t, p, c.In(provider.StatusVoided))
}

func TestVoidRefundsACapturedCharge(t *testing.T) {
	p := newProvider()
	c, err := charge(t, p, "k", "pm_card_visa")
	must(t, err)
	_, err = p.Capture(t.Context(), "r")
	must(t, err)
	want := c.In(provider.StatusRefunded)
	if want.Captured {
		t.Fatal("a refunded charge counts as captured")
	}
	wantVoid(t, p, want)
}

// wantVoid voids twice, and checks that nothing changes the charge after that.
func wantVoid(t *testing.T, p *provider.Provider, want provider.Charge) {
	t.Helper()
	for range 2 {
		if got, err := p.Void(t.Context(), "r"); err != nil || got == nil || *got != want {
			t.Errorf("Void = %+v, %v; want %+v", got, err, want)
		}
	}
	_, err := p.Capture(t.Context(), "r")
	wantCode(t, err, "reference_voided")
	_, err = charge(t, p, "another key", "pm_card_visa")
	wantCode(t, err, "reference_voided")
	wantCharges(t, p, want)
}

func TestChargeAfterItsVoidIsRefused(t *testing.T) {
	for _, method := range []string{"pm_card_visa", "sandbox_timeout", "sandbox_flaky", "pm_card_visa_chargeDeclined"} {
		p := newProvider()
		for range 2 {
			if c, err := p.Void(t.Context(), "r"); c != nil || err != nil {
				t.Errorf("Void of nothing = %+v, %v; want nil", c, err)
			}
		}
		_, err := charge(t, p, "k", method)
		wantCode(t, err, "reference_voided")
		_, err = p.Capture(t.Context(), "r")
		wantCode(t, err, "reference_voided")
		wantCharges(t, p)
	}
}

func TestVoidBetweenTheFailuresClosesTheReference(t *testing.T) {
	p := newProvider()
	_, err := charge(t, p, "k", "sandbox_flaky")
	wantCode(t, err, "internal")
	_, err = p.Void(t.Context(), "r")
	must(t, err)
	_, err = charge(t, p, "k", "sandbox_flaky")
	wantCode(t, err, "reference_voided")
}

func wantCharges(t *testing.T, p *provider.Provider, want ...provider.Charge) {
	t.Helper()
	got, err := p.Charges(t.Context(), "r")
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("ledger has %v, %v; want %v", got, err, want)
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *web.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error is %v, want %s", err, code)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

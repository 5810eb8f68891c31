package stripe_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/payments/providertest"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/payments/stripe/stripetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// account is the adapter with a fake Stripe account.
type account struct {
	stripe.Provider
	*stripetest.Server
	clock *clock.Manual
}

func open(t *testing.T) *account { return opened(t, "") }

func opened(t *testing.T, returnURL string) *account {
	t.Helper()
	c := clock.At(start)
	server := stripetest.New(c.Now)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	return &account{returning(web.URL, stripetest.Key, c, returnURL), server, c}
}

func at(url, key string, c clock.Clock) stripe.Provider { return returning(url, key, c, "") }

func returning(url, key string, c clock.Clock, returnURL string) stripe.Provider {
	secret := func(context.Context) ([]byte, error) { return []byte(key + "\n"), nil }
	config := httpclient.Config{
		Endpoints: registry.Fixed{stripe.Name: url}, Clock: c, Retry: resilience.Policy{Attempts: 1},
	}
	return stripe.New(config, secret, &ids.Sequence{}, returnURL)
}

func (a *account) authorize(method string) (payments.Charge, error) {
	return a.Authorize(context.Background(), authorization(method))
}

func authorization(method string) payments.Authorization {
	return payments.Authorization{
		Reference: order, IdempotencyKey: order + "-AuthorizePayment", PaymentMethod: method, Amount: eur(4797),
	}
}

func eur(amount int64) money.Money { return money.Money{Currency: "EUR", Amount: amount} }

// held authorizes a valid card.
func (a *account) held(t *testing.T) payments.Charge {
	t.Helper()
	c, err := a.authorize("pm_card_visa")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func subject(chargeID string) payments.Subject {
	return payments.Subject{Reference: order, ChargeID: chargeID, Amount: eur(4797), IdempotencyKey: "k"}
}

func (a *account) want(t *testing.T, statuses ...string) {
	t.Helper()
	if got := a.Statuses(order); !slices.Equal(got, statuses) {
		t.Errorf("the intents are %v, want %v", got, statuses)
	}
}

// asking is an account whose shop has a page to which customers return.
func asking(t *testing.T) *account { return opened(t, "https://shop.example/checkout") }

func TestProviderWithALaggingSearch(t *testing.T) {
	providertest.Run(t, func(t *testing.T) (payments.Provider, providertest.Dashboard) {
		a := asking(t)
		return a.Provider, a.Server
	})
}

func TestProviderWithAnImmediateSearch(t *testing.T) {
	providertest.Run(t, func(t *testing.T) (payments.Provider, providertest.Dashboard) {
		a := asking(t)
		a.Searchable = true
		return a.Provider, a.Server
	})
}

func TestEveryRequestNamesThePinnedVersion(t *testing.T) {
	a := open(t)
	c := a.held(t)
	_, _, err := a.Void(t.Context(), subject(c.ID))
	_, _, failed := a.Ledger(t.Context(), "")
	if err := errors.Join(err, failed); err != nil {
		t.Fatal(err)
	}
	if got := a.Versions(); !slices.Equal(got, []string{stripe.Version}) {
		t.Errorf("versions %q, want %s", got, stripe.Version)
	}
}

func TestDeclineCodesAreSafeToShow(t *testing.T) {
	for method, code := range map[string]string{
		"pm_card_visa_chargeDeclined":                  "card_declined",
		"pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
		"pm_card_visa_chargeDeclinedFraudulent":        "card_declined",
		"pm_card_visa_chargeDeclinedExpiredCard":       "expired_card",
		"pm_card_authenticationRequired":               "authentication_required",
		"pm_card_threeDSecure2Required":                "authentication_required",
		"tok_unheard_of":                               "payment_method_invalid",
	} {
		a := open(t)
		for range 2 {
			_, err := a.authorize(method)
			var no *payments.Declined
			if !errors.As(err, &no) || no.Code != code {
				t.Errorf("%s: %v, want a decline with %s", method, err, code)
			}
		}
	}
}

func TestPaymentThatNeedsAuthenticationIsCancelled(t *testing.T) {
	a := open(t)
	if _, err := a.authorize("pm_card_threeDSecure2Required"); err == nil {
		t.Error("it was authorized")
	}
	a.want(t, "canceled")
	b := open(t)
	if _, err := b.authorize("pm_card_authenticationRequired"); err == nil {
		t.Error("it was authorized")
	}
	b.want(t, "requires_payment_method") // error_on_requires_action made Stripe refuse
}

func TestTooSmallAmountIsDeclinedAndVoidedWithoutATombstone(t *testing.T) {
	a := open(t)
	small := authorization("pm_card_visa")
	small.Amount = eur(1)
	var no *payments.Declined
	if _, err := a.Authorize(t.Context(), small); !errors.As(err, &no) || no.Code != "amount_too_small" {
		t.Errorf("%v, want a decline", err)
	}
	s := subject("")
	s.Amount = eur(1)
	if c, found, err := a.Void(t.Context(), s); found || err != nil {
		t.Errorf("Void = %+v, %v, %v", c, found, err)
	}
}

// Stripe replays a 500 for its key. Authorize must recover and charge once.
func TestAuthorizeRecoversFromAFailedConfirmation(t *testing.T) {
	for name, effect := range map[string]bool{"with an effect": true, "without": false} {
		a := open(t)
		a.Fail("/confirm", 500, effect, true)
		for range 2 {
			if c, err := a.authorize("pm_card_visa"); err != nil || c.Status != payments.ChargeAuthorized {
				t.Errorf("%s: %+v, %v", name, c, err)
			}
		}
		a.want(t, "requires_capture")
	}
	a := open(t)
	a.Fail("/confirm", 500, true, true)
	var no *payments.Declined
	if _, err := a.authorize("pm_card_visa_chargeDeclined"); !errors.As(err, &no) || no.Code != "card_declined" {
		t.Errorf("decline after a 500: %v", err)
	}
}

func TestRepeatingRecoversALostResponse(t *testing.T) {
	for _, path := range []string{"/payment_intents", "/confirm", "/capture", "/cancel", "/refunds"} {
		for _, effect := range []bool{true, false} {
			a := open(t)
			a.Fail(path, 503, effect, false)
			var held, after payments.Charge
			steps := []func() error{
				func() (err error) { held, err = a.authorize("pm_card_visa"); return err },
				func() error { _, err := a.Capture(t.Context(), subject(held.ID)); return err },
				func() (err error) { after, _, err = a.Void(t.Context(), subject(held.ID)); return err },
			}
			if path == "/cancel" {
				steps = slices.Delete(steps, 1, 2)
			}
			for n, step := range steps {
				err := step()
				if err != nil {
					wantKind(t, path, err, fault.Transient)
					err = step()
				}
				if err != nil {
					t.Errorf("%s, effect %v: step %d, repeated: %v", path, effect, n, err)
				}
			}
			if after.ID != held.ID || after.Live() || len(a.Statuses(order)) != 1 {
				t.Errorf("%s, effect %v: %+v, intents %v", path, effect, after, a.Statuses(order))
			}
		}
	}
}

func TestRefusalOfOurRequestIsADefect(t *testing.T) {
	a := open(t)
	a.held(t)
	other := authorization("pm_card_visa")
	other.Amount = eur(1000)
	_, err := a.Authorize(t.Context(), other)
	wantKind(t, "another amount under the same key", err, fault.Internal)
	server := httptest.NewServer(a.Server)
	t.Cleanup(server.Close)
	_, err = at(server.URL, "sk_revoked", a.clock).Authorize(t.Context(), authorization("pm_card_visa"))
	wantKind(t, "another API key", err, fault.Internal)
	for status, kind := range map[int]fault.Kind{
		400: fault.Internal, 402: fault.Internal, 403: fault.Internal, 404: fault.Internal,
		200: fault.Transient, 409: fault.Transient, 429: fault.Transient, 500: fault.Transient,
	} {
		p := answering(t, status, `{"error":{"type":"x","code":"y","message":"pm_secret 987654"}}`)
		for name, err := range calls(p) {
			if strings.HasPrefix(name, "Capture") && status == 404 {
				continue
			}
			wantKind(t, name, err, kind)
			for _, secret := range []string{"secret", "987654", stripetest.Key} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s after %d: the error is %q", name, status, err)
				}
			}
		}
	}
}

// answering returns a provider whose server always gives the same response.
func answering(t *testing.T, status int, body string) stripe.Provider {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return at(server.URL, stripetest.Key, clock.At(start))
}

// calls makes every call once and returns their errors.
func calls(p stripe.Provider) map[string]error {
	ctx := context.Background()
	_, authorized := p.Authorize(ctx, authorization("pm_card_visa"))
	_, captured := p.Capture(ctx, subject("pi_1"))
	_, _, voided := p.Void(ctx, subject("pi_1"))
	_, _, barred := p.Void(ctx, subject(""))
	_, _, found := p.Find(ctx, subject("pi_1"))
	return map[string]error{
		"Authorize": authorized, "Capture": captured, "Void": voided, "Void without an id": barred, "Find": found,
	}
}

func wantKind(t *testing.T, what string, err error, kind fault.Kind) {
	t.Helper()
	var no *payments.Declined
	if err == nil || fault.KindOf(err) != kind || errors.As(err, &no) {
		t.Errorf("%s: %v, want a fault of kind %d", what, err, kind)
	}
}

func TestUnchargeableAmountIsDeclinedWithoutACall(t *testing.T) {
	for _, amount := range []money.Money{{Currency: "KWD", Amount: 1999}, {Currency: "IQD", Amount: 5000}} {
		a := open(t)
		in := authorization("pm_card_visa")
		in.Amount = amount
		_, err := a.Authorize(t.Context(), in)
		var no *payments.Declined
		if !errors.As(err, &no) || no.Code != "currency_or_amount_not_chargeable" || len(a.IntentIDs(order)) != 0 {
			t.Errorf("%v: %v, intents %v; want a decline and none", amount, err, a.IntentIDs(order))
		}
		c, found, err := a.Void(t.Context(), payments.Subject{Reference: order, Amount: amount, IdempotencyKey: "void"})
		if found || err != nil {
			t.Errorf("%v: Void = %+v, %t, %v; want nothing to void", amount, c, found, err)
		}
	}
}

func TestCurrencyUnknownToTheAccountIsDeclined(t *testing.T) {
	a := open(t)
	a.Refuse("eur")
	_, err := a.authorize("pm_card_visa")
	var no *payments.Declined
	if !errors.As(err, &no) || no.Code != "currency_or_amount_not_chargeable" {
		t.Errorf("%v, want a decline", err)
	}
	if c, found, err := a.Void(t.Context(), subject("")); found || err != nil {
		t.Errorf("Void = %+v, %t, %v; want nothing to void", c, found, err)
	}
}

func TestChargeIsReturnedInOurUnit(t *testing.T) {
	ariary := money.Money{Currency: "MGA", Amount: 500000}
	a := open(t)
	in := authorization("pm_card_visa")
	in.Amount = ariary
	held, err := a.Authorize(t.Context(), in)
	if err != nil || held.Amount != ariary {
		t.Fatalf("Authorize = %+v, %v", held, err)
	}
	if sent := a.Amounts(order); !slices.Equal(sent, []int64{5000}) {
		t.Errorf("Stripe received %v, want 5000 ariary", sent)
	}
	found, _, err := a.Find(t.Context(), payments.Subject{ChargeID: held.ID})
	if err != nil || found.Amount != ariary {
		t.Errorf("Find = %+v, %v", found, err)
	}
	page, _, err := a.Ledger(t.Context(), "")
	if err != nil || len(page) != 1 || page[0].Amount != ariary {
		t.Errorf("Ledger = %+v, %v", page, err)
	}
}

func TestEveryCurrencyKeepsItsValue(t *testing.T) {
	charged := 0
	for _, code := range codes() {
		digits, _ := money.Digits(code)
		unit := int64(1)
		for range digits {
			unit *= 10
		}
		amount, half := money.Money{Currency: code, Amount: 100 * unit}, 50*unit
		a := open(t)
		in := authorization("pm_card_visa")
		in.Amount = amount
		held, err := a.Authorize(t.Context(), in)
		if no := (*payments.Declined)(nil); errors.As(err, &no) {
			continue // TestEveryCurrencyOfTheCatalogueIsChargedInStripesUnit names them
		}
		charged++
		subject := payments.Subject{Reference: order, ChargeID: held.ID, Amount: amount, IdempotencyKey: "k"}
		taken, failed := a.Capture(t.Context(), subject)
		if err := errors.Join(err, failed); err != nil || held.Amount != amount || taken.Amount != amount {
			t.Errorf("%v is authorized as %+v and captured as %+v, %v", amount, held, taken, err)
			continue
		}
		a.Refund(order, a.Amounts(order)[0]/2) // in Stripe's unit
		want := payments.Charge{
			ID: held.ID, Reference: order, Status: payments.ChargeCaptured, Amount: amount, Refunded: half,
		}
		if found, _, err := a.Find(t.Context(), subject); err != nil || found != want {
			t.Errorf("%v: Find = %+v, %v; want %+v", amount, found, err, want)
		}
		if page, _, err := a.Ledger(t.Context(), ""); err != nil || len(page) != 1 || page[0].Charge != want {
			t.Errorf("%v: Ledger = %+v, %v; want %+v", amount, page, err, want)
		}
		want.Status, want.Refunded = payments.ChargeRefunded, amount.Amount
		if over, _, err := a.Void(t.Context(), subject); err != nil || over != want {
			t.Errorf("%v: Void = %+v, %v; want %+v", amount, over, err, want)
		}
	}
	if charged < 130 {
		t.Errorf("only %d currencies were charged", charged)
	}
}

// codes are all currency codes.
func codes() (all []string) {
	for n := range 26 * 26 * 26 {
		code := string([]byte{byte('A' + n/676), byte('A' + n/26%26), byte('A' + n%26)})
		if _, ok := money.Digits(code); ok {
			all = append(all, code)
		}
	}
	return all
}

// Package stripe is the payment provider Stripe, over its HTTP API; see ADR 10.
//
// A charge of ours is a PaymentIntent that is captured by hand. It is made first, under an idempotency key that follows
// from the reference alone, and confirmed by a second call: only that moves money. So everybody who knows reference and
// amount can get hold of the one intent that there is, or could be, and cancel it: a cancelled intent is the
// tombstone, since Stripe refuses to confirm it, however late the confirmation comes.
//
// Keys are kept by Stripe for a day at least. Whoever voids later than that must know the intent's id, or find
// it by its metadata; the search is asked first, since it is complete after a minute.
package stripe

import (
	"context"
	"errors"
	"net/url"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
)

// Name is the provider's name in the registry.
const Name = "payment-provider"

// Version is the version of Stripe's API that this adapter is written for; every request names it.
const Version = "2026-03-25.dahlia"

// Timeout bounds one call.
const Timeout = 3 * time.Second

// codeAuthentication is why a payment is declined for which the customer would have to prove who they are: there is nobody to
// ask them.
const codeAuthentication = "authentication_required"

// codeNotChargeable is why a payment is declined that Stripe has no way to charge: by its currency, or by an amount that it cannot write.
const codeNotChargeable = "currency_or_amount_not_chargeable"

// Provider implements payments.Provider.
type Provider struct {
	client *httpclient.Client
	key    func(context.Context) ([]byte, error)
	clock  clock.Clock
	ids    ids.Source
}

// New returns Stripe; key gives the secret API key. The caller says where Stripe is and how it is guarded.
func New(c httpclient.Config, key func(context.Context) ([]byte, error), source ids.Source) Provider {
	c.Dependency, c.Timeout = Name, Timeout
	return Provider{client: httpclient.New(c), key: key, clock: c.Clock, ids: source}
}

// Authorize makes the intent and confirms it.
func (p Provider) Authorize(ctx context.Context, a payments.Authorization) (payments.Charge, error) {
	made, err := p.create(ctx, payments.Subject{Reference: a.Reference, Amount: a.Amount})
	if err != nil {
		return payments.Charge{}, final(err)
	}
	now, err := p.confirm(ctx, made.ID, a)
	if err != nil {
		return payments.Charge{}, final(err)
	}
	c, held := now.charge()
	switch {
	case held && c.Live():
		return c, nil
	case now.Status == canceled || held:
		return payments.Charge{}, payments.ErrReferenceVoided
	case now.Status == requiresAction:
		if _, err := p.undo(ctx, now, a.IdempotencyKey); err != nil {
			return payments.Charge{}, final(err)
		}
		return payments.Charge{}, &payments.Declined{Code: codeAuthentication}
	case now.failed():
		return payments.Charge{}, &payments.Declined{Code: now.LastPaymentError.declineCode()}
	}
	return payments.Charge{}, unreadable("an intent that is neither authorized nor refused")
}

// create returns the one intent of a reference as it was when it was made: under the key there is no other, and no other
// parameters.
func (p Provider) create(ctx context.Context, s payments.Subject) (intent, error) {
	form, err := amountOf(s.Amount)
	if err != nil {
		return intent{}, err
	}
	form.Set("capture_method", "manual")
	form.Set("payment_method_types[]", "card")
	form.Set("metadata["+metadataOrder+"]", s.Reference)
	made, err := p.change(ctx, intents, s.Reference+"-intent", form)
	if err == nil && made.reference() != s.Reference {
		err = unreadable("the intent of another order")
	}
	return made, err
}

// confirm has the amount held. Stripe repeats its first answer to a key, a 500 as well, though it may have meant nothing:
// then the intent itself tells, and where it was not touched a second key gets a second chance. That cannot
// charge twice: an intent is confirmed once.
func (p Provider) confirm(ctx context.Context, id string, a payments.Authorization) (intent, error) {
	form := url.Values{"payment_method": {a.PaymentMethod}, "error_on_requires_action": {"true"}}
	path, key := intents+"/"+url.PathEscape(id)+"/confirm", a.IdempotencyKey+"-confirm"
	now, err := p.change(ctx, path, key, form)
	if answered5xx(err) {
		if now, err = p.intent(ctx, id); err != nil || !now.untouched() {
			return now, err
		}
		now, err = p.change(ctx, path, key+"-again", form)
	}
	if errors.Is(err, errState) {
		return p.intent(ctx, id)
	}
	return now, err
}

// Capture takes what the intent holds.
func (p Provider) Capture(ctx context.Context, s payments.Subject) (payments.Charge, error) {
	now, err := p.change(ctx, intents+"/"+url.PathEscape(s.ChargeID)+"/capture", p.once(s.IdempotencyKey), nil)
	if errors.Is(err, errState) {
		now, err = p.intent(ctx, s.ChargeID)
	}
	switch c, held := now.charge(); {
	case errors.Is(err, errMissing):
		return payments.Charge{}, payments.ErrNoCharge.Because(err)
	case err != nil:
		return payments.Charge{}, final(err)
	case c.Status == payments.ChargeCaptured:
		return c, nil
	case held && !c.Live(), now.Status == canceled:
		return payments.Charge{}, payments.ErrReferenceVoided
	case !held:
		return payments.Charge{}, payments.ErrNoCharge
	}
	return payments.Charge{}, unreadable("a capture that took nothing")
}

// once makes the key of a call that the intent's own state keeps from happening twice (cancel, capture, refund in full). A
// key that is repeated would have Stripe repeat an error that is over.
func (p Provider) once(key string) string { return key + "-" + p.ids.New() }

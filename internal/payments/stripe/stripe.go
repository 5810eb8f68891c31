// Package stripe calls the payment provider Stripe over its HTTP API; see ADR 10.
//
// A charge is a PaymentIntent with manual capture. It is created first, with an idempotency key
// derived from the reference alone, and confirmed by a second call, which holds the money. So
// whoever knows the reference and the amount can create or find the reference's one intent and
// cancel it. A cancelled intent is the tombstone: Stripe refuses to confirm it, however late the
// confirmation arrives.
//
// Stripe keeps keys for at least a day. A later void needs the intent's id or finds the intent by
// its metadata. The search comes first, since it is complete after a minute.
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

// Version is the version of Stripe's API that every request names.
const Version = "2026-03-25.dahlia"

// Timeout bounds one call.
const Timeout = 3 * time.Second

// codeAuthentication declines a payment that needs the customer's authentication, if we cannot ask
// for it.
const codeAuthentication = "authentication_required"

// codeNotChargeable declines a payment whose currency or amount Stripe cannot charge.
const codeNotChargeable = "currency_or_amount_not_chargeable"

// Provider implements payments.Provider.
type Provider struct {
	client *httpclient.Client
	key    func(context.Context) ([]byte, error)
	clock  clock.Clock
	ids    ids.Source
	// returnURL is the page to which customers return after they have authenticated; empty if they
	// cannot be asked to.
	returnURL string
}

// New returns a provider; key returns the secret API key. c has Stripe's address, retries and
// circuit breaker. Customers who have authenticated return to returnURL; without one, payments that
// need it are declined.
func New(
	c httpclient.Config, key func(context.Context) ([]byte, error), source ids.Source, returnURL string,
) Provider {
	c.Dependency, c.Timeout = Name, Timeout
	return Provider{client: httpclient.New(c), key: key, clock: c.Clock, ids: source, returnURL: returnURL}
}

// Authorize creates the intent and confirms it.
func (p Provider) Authorize(ctx context.Context, a payments.Authorization) (payments.Charge, error) {
	made, err := p.create(ctx, payments.Subject{Reference: a.Reference, Amount: a.Amount})
	if err != nil {
		return payments.Charge{}, classify(err)
	}
	now, err := p.confirm(ctx, made.ID, a)
	if err == nil && now.Status == requiresAction && p.returnURL != "" { // maybe a replayed response
		now, err = p.intent(ctx, made.ID)
	}
	if err != nil {
		return payments.Charge{}, classify(err)
	}
	c, held := now.charge()
	switch {
	case held && c.Live():
		return c, nil
	case now.Status == canceled || held:
		return payments.Charge{}, payments.ErrReferenceVoided
	case now.Status == requiresAction && now.page() != "":
		return payments.Charge{}, &payments.ActionRequired{URL: now.page()}
	case now.Status == requiresAction:
		if _, err := p.undo(ctx, now, a.IdempotencyKey); err != nil {
			return payments.Charge{}, classify(err)
		}
		return payments.Charge{}, &payments.Declined{Code: codeAuthentication}
	case now.failed():
		return payments.Charge{}, &payments.Declined{Code: now.LastPaymentError.declineCode()}
	}
	return payments.Charge{}, unreadable("an intent that is neither authorized nor refused")
}

// create returns the reference's one intent as it was when it was created. The key admits no other
// intent and no other parameters.
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

// confirm holds the amount. Stripe replays its first response to a key, even a 500, which may have
// had no effect. Then the intent is read, and confirmed with a second key if it is untouched. That
// cannot charge twice: an intent is confirmed once.
func (p Provider) confirm(ctx context.Context, id string, a payments.Authorization) (intent, error) {
	form := url.Values{"payment_method": {a.PaymentMethod}, "error_on_requires_action": {"true"}}
	if p.returnURL != "" {
		form = url.Values{"payment_method": {a.PaymentMethod}, "return_url": {p.returnURL}}
	}
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

// Capture captures the intent.
func (p Provider) Capture(ctx context.Context, s payments.Subject) (payments.Charge, error) {
	now, err := p.change(ctx, intents+"/"+url.PathEscape(s.ChargeID)+"/capture", p.uniqueKey(s.IdempotencyKey), nil)
	if errors.Is(err, errState) {
		now, err = p.intent(ctx, s.ChargeID)
	}
	switch c, held := now.charge(); {
	case errors.Is(err, errMissing):
		return payments.Charge{}, payments.ErrNoCharge.Because(err)
	case err != nil:
		return payments.Charge{}, classify(err)
	case c.Status == payments.ChargeCaptured:
		return c, nil
	case held && !c.Live(), now.Status == canceled:
		return payments.Charge{}, payments.ErrReferenceVoided
	case !held:
		return payments.Charge{}, payments.ErrNoCharge
	}
	return payments.Charge{}, unreadable("a capture that captured nothing")
}

// uniqueKey makes a unique key for a call that the intent's state already makes idempotent (cancel,
// capture, full refund). With a repeated key Stripe would replay an outdated error.
func (p Provider) uniqueKey(key string) string { return key + "-" + p.ids.New() }

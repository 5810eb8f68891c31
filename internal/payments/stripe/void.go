package stripe

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"orderflow/internal/payments"
)

// looks is how often Void looks again where a confirmation or capture came between its look and its deed.
const looks = 3

// Void cancels the intent, or refunds it where it was captured. Where none is known it makes the one that the
// authorization would have made, or has, and cancels that.
func (p Provider) Void(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	all, err := p.locate(ctx, s)
	if err != nil {
		return payments.Charge{}, false, final(err)
	}
	var charge payments.Charge
	var found bool
	for _, now := range all {
		over, err := p.undo(ctx, now, s.IdempotencyKey)
		if err != nil {
			return payments.Charge{}, false, final(err)
		}
		if c, held := over.charge(); held {
			charge, found = c, true
		}
	}
	return charge, found, nil
}

// locate returns every intent that may hold money under the reference. What it returns may be out of date. None is an
// answer only where the subject has an id that Stripe does not know.
func (p Provider) locate(ctx context.Context, s payments.Subject) ([]intent, error) {
	if s.ChargeID != "" {
		now, err := p.intent(ctx, s.ChargeID)
		switch {
		case errors.Is(err, errMissing):
			return nil, nil
		case err == nil && now.reference() != s.Reference:
			err = unreadable("the intent of another order")
		}
		return []intent{now}, err
	}
	all, err := p.search(ctx, s.Reference)
	if err != nil || len(all) > 0 {
		return all, err
	}
	made, err := p.create(ctx, s)
	if errors.Is(err, errAmount) || errors.Is(err, errUnit) {
		return nil, nil // nobody can make it, so there is none and never will be
	}
	return []intent{made}, err
}

// undo leaves the intent cancelled or refunded, and returns it as it is then.
func (p Provider) undo(ctx context.Context, now intent, key string) (intent, error) {
	for range looks {
		after, err := p.undoOnce(ctx, now, key)
		if !errors.Is(err, errState) {
			return after, err
		}
		if now, err = p.intent(ctx, now.ID); err != nil {
			return intent{}, err
		}
	}
	return intent{}, unreadable("an intent that is never as it was said to be")
}

func (p Provider) undoOnce(ctx context.Context, now intent, key string) (intent, error) {
	c, _ := now.charge()
	switch {
	case now.Status == canceled, c.Status == payments.ChargeRefunded:
		return now, nil
	case now.Status == processing:
		return intent{}, unreadable("an intent that it is still at work on")
	case now.Status == succeeded:
		return p.refund(ctx, now.ID, key)
	}
	after, err := p.change(ctx, intents+"/"+url.PathEscape(now.ID)+"/cancel", p.once(key), nil)
	if err == nil && after.Status != canceled {
		err = unreadable("a cancellation that cancelled nothing")
	}
	return after, err
}

// refund gives back all that was taken, but for what was given back already.
func (p Provider) refund(ctx context.Context, id, key string) (intent, error) {
	var out struct {
		Status string `json:"status"`
	}
	err := p.post(ctx, "/v1/refunds", p.once(key), url.Values{"payment_intent": {id}}, &out)
	switch {
	case errors.Is(err, errRefunded):
	case err != nil:
		return intent{}, err
	case out.Status != "succeeded" && out.Status != "pending":
		return intent{}, refused("a refund ended as failed")
	}
	after, err := p.intent(ctx, id)
	if c, _ := after.charge(); err == nil && c.Status != payments.ChargeRefunded {
		err = unreadable("a refund that gave nothing back")
	}
	return after, err
}

// quote makes a value safe within the quotes of a search.
var quote = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// search finds intents by their order. It lags by up to a minute, and what it shows of them may be as old.
func (p Provider) search(ctx context.Context, reference string) ([]intent, error) {
	var out struct {
		Data []intent `json:"data"`
	}
	query := url.Values{"query": {"metadata['" + metadataOrder + "']:'" + quote.Replace(reference) + "'"}, "expand[]": {"data." + expanded}}
	if err := p.get(ctx, intents+"/search?"+query.Encode(), &out); err != nil {
		return nil, err
	}
	for i, found := range out.Data {
		now, err := p.intent(ctx, found.ID)
		if err != nil {
			return nil, err
		}
		if out.Data[i] = now; now.reference() != reference {
			return nil, unreadable("the intent of another order")
		}
	}
	return out.Data, nil
}

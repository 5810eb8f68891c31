package stripe

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"orderflow/internal/payments"
)

// tries bounds how often Void retries after a concurrent confirmation or capture.
const tries = 3

// Void cancels the intent, or refunds it if it was captured. If none is known, it creates the one
// that the authorization has created or would create, and cancels that.
func (p Provider) Void(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	all, err := p.locate(ctx, s)
	if err != nil {
		return payments.Charge{}, false, classify(err)
	}
	var charge payments.Charge
	var found bool
	for _, now := range all {
		over, err := p.undo(ctx, now, s.IdempotencyKey)
		if err != nil {
			return payments.Charge{}, false, classify(err)
		}
		if c, held := over.charge(); held {
			charge, found = c, true
		}
	}
	return charge, found, nil
}

// locate returns every intent that may hold money for the reference. They may be stale. There are
// none only if Stripe does not know the subject's id, or cannot charge its amount.
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
		return nil, nil // it can never be created
	}
	return []intent{made}, err
}

// undo cancels or refunds the intent and returns it.
func (p Provider) undo(ctx context.Context, now intent, key string) (intent, error) {
	for range tries {
		after, err := p.undoOnce(ctx, now, key)
		if !errors.Is(err, errState) {
			return after, err
		}
		if now, err = p.intent(ctx, now.ID); err != nil {
			return intent{}, err
		}
	}
	return intent{}, unreadable("an intent whose state changed with every try")
}

func (p Provider) undoOnce(ctx context.Context, now intent, key string) (intent, error) {
	c, _ := now.charge()
	switch {
	case now.Status == canceled, c.Status == payments.ChargeRefunded:
		return now, nil
	case now.Status == processing:
		return intent{}, unreadable("an intent that is still processing")
	case now.Status == succeeded:
		return p.refund(ctx, now.ID, key)
	}
	after, err := p.change(ctx, intents+"/"+url.PathEscape(now.ID)+"/cancel", p.uniqueKey(key), nil)
	if err == nil && after.Status != canceled {
		err = unreadable("a cancellation without an effect")
	}
	return after, err
}

// refund refunds what has not been refunded yet.
func (p Provider) refund(ctx context.Context, id, key string) (intent, error) {
	var out struct {
		Status string `json:"status"`
	}
	err := p.post(ctx, "/v1/refunds", p.uniqueKey(key), url.Values{"payment_intent": {id}}, &out)
	switch {
	case errors.Is(err, errRefunded):
	case err != nil:
		return intent{}, err
	case out.Status != "succeeded" && out.Status != "pending":
		return intent{}, refused("the refund failed")
	}
	after, err := p.intent(ctx, id)
	if c, _ := after.charge(); err == nil && c.Status != payments.ChargeRefunded {
		err = unreadable("a refund without an effect")
	}
	return after, err
}

// quote escapes a value in a search query.
var quote = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// search finds intents by their order. It lags by up to a minute, so every intent is read again.
func (p Provider) search(ctx context.Context, reference string) ([]intent, error) {
	var out struct {
		Data []intent `json:"data"`
	}
	condition := "metadata['" + metadataOrder + "']:'" + quote.Replace(reference) + "'"
	query := url.Values{"query": {condition}, "expand[]": {"data." + expanded}}
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

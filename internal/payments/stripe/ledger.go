package stripe

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"orderflow/internal/payments"
)

const (
	// window is how far back the ledger goes. An authorization lapses after a week; a saga ends
	// within hours.
	window = 31 * 24 * time.Hour
	// perPage keeps a response with expanded charges well below the client's size limit.
	perPage = 50
)

// Ledger lists the intents of the last month that have held money for an order, newest first.
func (p Provider) Ledger(ctx context.Context, cursor string) ([]payments.LedgerEntry, string, error) {
	query := url.Values{"limit": {strconv.Itoa(perPage)}, "expand[]": {"data." + expanded},
		"created[gte]": {strconv.FormatInt(p.clock.Now().Add(-window).Unix(), 10)}}
	if cursor != "" {
		query.Set("starting_after", cursor)
	}
	var out struct {
		Data    []intent `json:"data"`
		HasMore bool     `json:"has_more"`
	}
	if err := p.get(ctx, intents+"?"+query.Encode(), &out); err != nil {
		return nil, "", classify(err)
	}
	page, next := []payments.LedgerEntry{}, ""
	for _, i := range out.Data {
		if _, held := i.charge(); held && i.reference() != "" {
			page = append(page, i.entry())
		}
		next = i.ID
	}
	if !out.HasMore {
		next = ""
	}
	return page, next, nil
}

// Find reads the intent, and its dispute if it has one.
func (p Provider) Find(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	c, found, err := p.find(ctx, s)
	return c, found, classify(err)
}

func (p Provider) find(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	var all []intent
	var err error
	if s.ChargeID != "" {
		all = make([]intent, 1)
		if all[0], err = p.intent(ctx, s.ChargeID); errors.Is(err, errMissing) {
			return payments.Charge{}, false, nil
		}
	} else {
		all, err = p.search(ctx, s.Reference)
	}
	if err != nil {
		return payments.Charge{}, false, err
	}
	for _, now := range all {
		c, held := now.charge()
		if now.Status == requiresAction && now.reference() != "" {
			waiting := payments.Charge{ID: now.ID, Reference: now.reference(), Status: payments.ChargeActionRequired}
			waiting.Amount, _ = fromStripe(now.Currency, now.Amount)
			return waiting, true, nil
		}
		if !held || c.Reference == "" {
			continue
		}
		if now.LatestCharge != nil && now.LatestCharge.Disputed {
			c.Dispute, err = p.dispute(ctx, now.ID)
		}
		return c, err == nil, err
	}
	return payments.Charge{}, false, nil
}

// dispute returns the state of an intent's latest dispute.
func (p Provider) dispute(ctx context.Context, id string) (payments.Dispute, error) {
	var out struct {
		Data []struct {
			Status string `json:"status"`
		} `json:"data"`
	}
	query := url.Values{"payment_intent": {id}, "limit": {"1"}}
	if err := p.get(ctx, "/v1/disputes?"+query.Encode(), &out); err != nil {
		return "", err
	}
	if len(out.Data) == 0 {
		return "", unreadable("a disputed charge without a dispute")
	}
	switch out.Data[0].Status {
	case "won", "warning_closed", "prevented":
		return payments.DisputeWon, nil
	case "lost":
		return payments.DisputeLost, nil
	}
	return payments.DisputeOpen, nil
}

// Package provider is a stand-in for a payment provider. Clients name charges by their own
// references. A reference has at most one charge, ever, however often and concurrently it is
// requested. Once it is voided it gets none, even if the request arrives after the void.
//
// It fails on demand, by payment method; see magic.go.
package provider

import (
	"context"
	"net/http"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/sandbox/web"
)

var (
	// ErrVoided says that the reference was voided.
	ErrVoided = conflict("reference_voided", "this reference was voided")
	// ErrNoCharge says that the reference has no charge.
	ErrNoCharge = &web.Error{
		Status: http.StatusNotFound, Code: "charge_not_found", Message: "this reference has no charge",
	}
	// ErrNotCaptured says that nothing is captured, so nothing can be refunded.
	ErrNotCaptured = conflict("not_captured", "only captured money can be refunded")
	// ErrRefundExceedsCharge says that the refund exceeds the rest of the charge.
	ErrRefundExceedsCharge = conflict("refund_exceeds_charge", "the refund exceeds the rest of the charge")
	// ErrReferenceUsed says that the reference has a charge of another amount.
	ErrReferenceUsed = conflict("reference_used", "this reference has a charge of another amount")
	// ErrVoidRefused says that the charge cannot be voided now.
	ErrVoidRefused = &web.Error{
		Status: http.StatusUnprocessableEntity, Code: "void_refused", Message: "this charge cannot be voided now",
	}
	// ErrNotAsked says that nothing waits for the customer.
	ErrNotAsked = conflict("not_asked", "nothing waits for the customer")
)

func conflict(code, message string) *web.Error {
	return &web.Error{Status: http.StatusConflict, Code: code, Message: message}
}

// Store keeps the ledger.
type Store interface {
	idempotency.Log
	// Entry returns the entry of a reference, read consistently, or one of version 0 if there is
	// none.
	Entry(ctx context.Context, reference string) (Entry, error)
	// Write replaces the entry. It returns fault.ErrLostRace unless e is the version after the
	// stored one.
	Write(ctx context.Context, e Entry, with commit.With) error
	// Record commits with, without a change of an entry.
	Record(ctx context.Context, with commit.With) error
	// Charges returns a page of charges, oldest first, and the cursor of the next page ("" on the
	// last). With a status it returns only charges with that status; such a page may hold fewer
	// than limit although more follow. A new charge may take a moment to appear. It returns
	// web.ErrCursor for a foreign cursor.
	Charges(ctx context.Context, status Status, limit int, cursor string) ([]Charge, string, error)
}

// Provider authorizes, captures, refunds and voids charges.
type Provider struct {
	store Store
	clock clock.Clock
	ids   ids.Source
	site  Site
}

// New returns a provider over its store.
func New(store Store, c clock.Clock, source ids.Source, site Site) *Provider {
	return &Provider{store: store, clock: c, ids: source, site: site}
}

// Request is a request for a charge.
type Request struct {
	Reference     string      `json:"reference"`
	Amount        money.Money `json:"amount"`
	PaymentMethod string      `json:"paymentMethod"`
}

// outcome is the stored result of a request: a charge, or why it was declined.
type outcome struct {
	Charge   Charge `json:"charge"`
	Declined string `json:"declined"`
}

// Charge authorizes an amount. The same idempotency key gets the recorded result, and another key
// for the same reference and amount gets the existing charge.
func (p *Provider) Charge(ctx context.Context, key idempotency.Request, in Request) (Charge, error) {
	if in.PaymentMethod == methodBroken {
		return Charge{}, web.ErrInternal
	}
	out, _, err := idempotency.Do(ctx, p.store, key, func(ctx context.Context, once idempotency.Once) (outcome, error) {
		e, err := p.store.Entry(ctx, in.Reference)
		if err != nil {
			return outcome{}, err
		}
		return p.decide(ctx, e, in, once)
	})
	if err == nil && out.Charge.Status == StatusActionRequired {
		var page string
		page, err = p.site.address(ctx, in.Reference)
		out.Charge.NextAction = &NextAction{Type: "REDIRECT", URL: page}
	}
	if err == nil && out.Declined != "" {
		const message = "the payment method was declined"
		err = &web.Error{Status: http.StatusPaymentRequired, Code: out.Declined, Message: message}
	}
	return out.Charge, err
}

func (p *Provider) decide(ctx context.Context, e Entry, in Request, once idempotency.Once) (outcome, error) {
	declined := decline(in.PaymentMethod)
	switch {
	case e.Voided:
		return outcome{}, ErrVoided
	case e.Charge != nil && e.Charge.Amount != in.Amount:
		return outcome{}, ErrReferenceUsed
	case e.Charge != nil:
		out := outcome{Charge: *e.Charge}
		return out, p.store.Record(ctx, commit.With{Reply: once.Returning(out)})
	case e.Failed:
		return outcome{Declined: codeFailed}, nil
	case e.Asked != nil: // no result yet, so it is not stored
		return outcome{Charge: *e.Asked}, nil
	case declined != "":
		out := outcome{Declined: declined}
		return out, p.store.Record(ctx, commit.With{Reply: once.Returning(out)})
	}
	e.Version++
	if in.PaymentMethod == methodFlaky && e.Faults < flakyFaults {
		e.Faults++
		if err := p.store.Write(ctx, e, commit.With{}); err != nil {
			return outcome{}, err
		}
		return outcome{}, web.ErrInternal
	}
	e.Disputed = in.PaymentMethod == methodDisputed
	if in.PaymentMethod == methodStuck {
		e.VoidFaults = voidFaults
	}
	e.Charge = &Charge{
		ID: "ch_" + p.ids.New(), Reference: in.Reference, Status: StatusAuthorized,
		Amount: in.Amount, CreatedAt: p.clock.Now(),
	}
	if in.PaymentMethod == methodAsk {
		e.Asked, e.Charge = withStatus(e.Charge, StatusActionRequired), nil
		return outcome{Charge: *e.Asked}, p.store.Write(ctx, e, commit.With{})
	}
	out := outcome{Charge: *e.Charge}
	return out, p.store.Write(ctx, e, commit.With{Reply: once.Returning(out)})
}

// Answer is the customer's answer on the page: they authenticate, or fail to. Only the first answer
// counts.
func (p *Provider) Answer(ctx context.Context, reference string, authenticated bool) (Entry, error) {
	return p.change(ctx, reference, func(e *Entry) error {
		switch {
		case e.Voided:
			return ErrVoided
		case e.Asked == nil:
			return ErrNotAsked
		case e.Charge != nil || e.Failed:
		case authenticated:
			e.Charge = withStatus(e.Asked, StatusAuthorized)
		default:
			e.Failed = true
		}
		return nil
	})
}

// Capture captures an authorized charge. Repeating it changes nothing.
func (p *Provider) Capture(ctx context.Context, reference string) (Charge, error) {
	e, err := p.change(ctx, reference, func(e *Entry) error {
		switch {
		case e.Voided:
			return ErrVoided
		case e.Charge == nil:
			return ErrNoCharge
		case e.Charge.Status == StatusRefunded:
			return ErrVoided
		}
		e.Charge = withStatus(e.Charge, StatusCaptured)
		if e.Disputed {
			e.Charge.Dispute = disputeOpen
		}
		return nil
	})
	if err != nil {
		return Charge{}, err
	}
	return *e.Charge, nil
}

// Refund is a request to refund a charge in part or in full.
type Refund struct {
	Amount money.Money `json:"amount"`
}

// Refund refunds captured money in part or in full, as an operator can do on a provider's own site.
func (p *Provider) Refund(ctx context.Context, reference string, key idempotency.Request, in Refund) (Charge, error) {
	out, _, err := idempotency.Do(ctx, p.store, key, func(ctx context.Context, once idempotency.Once) (Charge, error) {
		e, err := p.store.Entry(ctx, reference)
		switch {
		case err != nil:
			return Charge{}, err
		case e.Charge == nil:
			return Charge{}, ErrNoCharge
		case !e.Charge.Captured:
			return Charge{}, ErrNotCaptured
		}
		c := *e.Charge
		total, err := c.RefundedAmount.Add(in.Amount)
		if err != nil || total.Currency != c.Amount.Currency || total.Amount > c.Amount.Amount {
			return Charge{}, ErrRefundExceedsCharge
		}
		if c.RefundedAmount = total; total == c.Amount {
			c = c.In(StatusRefunded)
		}
		e.Charge = &c
		e.Version++
		return c, p.store.Write(ctx, e, commit.With{Reply: once.Returning(c)})
	})
	return out, err
}

// Void voids an authorized charge or refunds a captured one, and closes the reference. It returns
// nil if there is no charge; later charges are refused.
func (p *Provider) Void(ctx context.Context, reference string) (*Charge, error) {
	refused := false
	e, err := p.change(ctx, reference, func(e *Entry) error {
		if refused = e.VoidFaults > 0; refused {
			e.VoidFaults--
			return nil
		}
		if e.Charge != nil && !e.Voided {
			status := StatusVoided
			if e.Charge.Captured || e.Charge.Status == StatusRefunded {
				status = StatusRefunded
			}
			e.Charge = withStatus(e.Charge, status)
		}
		e.Voided = true
		return nil
	})
	if err == nil && refused {
		err = ErrVoidRefused
	}
	return e.Charge, err
}

// Charges returns the charges of a reference, one or none. One that waits for the customer is
// included.
func (p *Provider) Charges(ctx context.Context, reference string) ([]Charge, error) {
	e, err := p.store.Entry(ctx, reference)
	switch {
	case err != nil:
		return []Charge{}, err
	case e.Charge != nil:
		return []Charge{*e.Charge}, nil
	case e.Waits():
		return []Charge{*e.Asked}, nil
	}
	return []Charge{}, nil
}

// ChargeByID returns the charges with this id, one or none. It scans the whole ledger, which is
// fast enough here.
func (p *Provider) ChargeByID(ctx context.Context, id string) ([]Charge, error) {
	for cursor := ""; ; {
		page, next, err := p.store.Charges(ctx, "", maxLimit, cursor)
		if err != nil {
			return nil, err
		}
		for _, c := range page {
			if c.ID == id {
				return p.Charges(ctx, c.Reference) // read consistently
			}
		}
		if cursor = next; cursor == "" {
			return []Charge{}, nil
		}
	}
}

// change changes an entry, and writes it only if it differs.
func (p *Provider) change(ctx context.Context, reference string, apply func(*Entry) error) (Entry, error) {
	return fault.RetryLostRace(func() (Entry, error) {
		before, err := p.store.Entry(ctx, reference)
		if err != nil {
			return Entry{}, err
		}
		after := before
		if err := apply(&after); err != nil {
			return Entry{}, err
		}
		same := after.Charge == before.Charge ||
			after.Charge != nil && before.Charge != nil && *after.Charge == *before.Charge
		same = same && after.VoidFaults == before.VoidFaults
		if after.Voided == before.Voided && after.Failed == before.Failed && same {
			return before, nil
		}
		after.Version++
		return after, p.store.Write(ctx, after, commit.With{})
	})
}

func withStatus(c *Charge, s Status) *Charge {
	next := c.In(s)
	return &next
}

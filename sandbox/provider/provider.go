// Package provider is a stand-in for a payment provider. It knows one thing: references.
// Whoever charges names its own reference, for which there is at most one charge, ever,
// however often and however concurrently it asks; and once the reference is voided there
// will be none, even if the request to charge comes later than the void.
//
// It makes trouble on demand, by payment method; see magic.go.
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
	ErrVoided = &web.Error{Status: http.StatusConflict, Code: "reference_voided", Message: "this reference was voided"}
	// ErrNoCharge says that nothing was ever charged for the reference.
	ErrNoCharge = &web.Error{Status: http.StatusNotFound, Code: "charge_not_found", Message: "there is no charge for this reference"}
	// ErrNotCaptured says that there is nothing that could be given back.
	ErrNotCaptured = &web.Error{Status: http.StatusConflict, Code: "not_captured", Message: "only captured money can be refunded"}
	// ErrRefundExceedsCharge says that less is left than is to be given back.
	ErrRefundExceedsCharge = &web.Error{Status: http.StatusConflict, Code: "refund_exceeds_charge", Message: "this is more than what is left of the charge"}
	// ErrReferenceUsed says that the reference has a charge of another amount.
	ErrReferenceUsed = &web.Error{Status: http.StatusConflict, Code: "reference_used", Message: "this reference has a charge of another amount"}
)

// Store keeps the ledger.
type Store interface {
	idempotency.Log
	// Entry returns what is kept of a reference, read consistently; one of version 0 where that is nothing.
	Entry(ctx context.Context, reference string) (Entry, error)
	// Write replaces the entry, which must be one version after what is stored, else fault.ErrLostRace.
	Write(ctx context.Context, e Entry, with commit.With) error
	// Record writes only what comes with a change, where there is nothing to change.
	Record(ctx context.Context, with commit.With) error
	// Charges returns a page of all charges, oldest first, and the cursor of the next page ("" on the last).
	// With a status only those in it; such a page may hold fewer than limit although more follow. A new charge
	// may take a moment to appear. web.ErrCursor for a cursor that is not its own.
	Charges(ctx context.Context, status Status, limit int, cursor string) ([]Charge, string, error)
}

// Provider charges, captures and voids.
type Provider struct {
	store Store
	clock clock.Clock
	ids   ids.Source
}

// New returns a provider over a ledger.
func New(store Store, c clock.Clock, source ids.Source) *Provider {
	return &Provider{store: store, clock: c, ids: source}
}

// Request asks for a charge.
type Request struct {
	Reference     string      `json:"reference"`
	Amount        money.Money `json:"amount"`
	PaymentMethod string      `json:"paymentMethod"`
}

// outcome is what is remembered of a request: a charge, or why there is none.
type outcome struct {
	Charge   Charge `json:"charge"`
	Declined string `json:"declined"`
}

// Charge authorizes an amount. The same idempotency key gets the same answer, and another key
// for the same reference and amount the charge that is there.
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
	if err == nil && out.Declined != "" {
		err = &web.Error{Status: http.StatusPaymentRequired, Code: out.Declined, Message: "the payment method was declined"}
	}
	return out.Charge, err
}

func (p *Provider) decide(ctx context.Context, e Entry, in Request, once idempotency.Once) (outcome, error) {
	why := decline(in.PaymentMethod)
	switch {
	case e.Voided:
		return outcome{}, ErrVoided
	case e.Charge != nil && e.Charge.Amount != in.Amount:
		return outcome{}, ErrReferenceUsed
	case e.Charge != nil:
		out := outcome{Charge: *e.Charge}
		return out, p.store.Record(ctx, commit.With{Reply: once.Returning(out)})
	case why != "":
		out := outcome{Declined: why}
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
	e.Charge = &Charge{
		ID: "ch_" + p.ids.New(), Reference: in.Reference, Status: StatusAuthorized,
		Amount: in.Amount, CreatedAt: p.clock.Now(),
	}
	out := outcome{Charge: *e.Charge}
	return out, p.store.Write(ctx, e, commit.With{Reply: once.Returning(out)})
}

// Capture takes the money that is held; again, it changes nothing.
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
		e.Charge = moved(e.Charge, StatusCaptured)
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

// Refund asks for a part of a charge to be given back.
type Refund struct {
	Amount money.Money `json:"amount"`
}

// Refund gives back a part of what was captured, or all that is left of it, as somebody may do on a provider's own site.
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

// Void gives back what is held or was captured, and shuts the reference. Where nothing was
// charged it returns nil, and nothing will be.
func (p *Provider) Void(ctx context.Context, reference string) (*Charge, error) {
	e, err := p.change(ctx, reference, func(e *Entry) error {
		if e.Charge != nil && !e.Voided {
			undone := StatusVoided
			if e.Charge.Captured || e.Charge.Status == StatusRefunded {
				undone = StatusRefunded
			}
			e.Charge = moved(e.Charge, undone)
		}
		e.Voided = true
		return nil
	})
	return e.Charge, err
}

// Charges returns the charges of a reference: one or none.
func (p *Provider) Charges(ctx context.Context, reference string) ([]Charge, error) {
	e, err := p.store.Entry(ctx, reference)
	if err != nil || e.Charge == nil {
		return []Charge{}, err
	}
	return []Charge{*e.Charge}, nil
}

// ChargeByID returns the charge with this id: one or none. It goes through the whole ledger, for which nobody hurries.
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

// change applies one change to an entry, and writes it only if it is one.
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
		if after.Voided == before.Voided && (after.Charge == nil || *after.Charge == *before.Charge) {
			return before, nil
		}
		after.Version++
		return after, p.store.Write(ctx, after, commit.With{})
	})
}

func moved(c *Charge, s Status) *Charge {
	next := c.In(s)
	return &next
}

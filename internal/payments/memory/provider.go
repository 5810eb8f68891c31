package memory

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"orderflow/internal/payments"
)

// Provider is a payment provider in memory, with a ledger to look into. It keeps to the contract of
// payments.Provider to the letter: above all it repeats its first answer to an idempotency key,
// even if the charge was voided since.
type Provider struct {
	declines map[string]string

	mu      sync.Mutex
	charges map[string]payments.Charge // by reference
	books   []payments.LedgerEntry     // what was charged, oldest first; the status is that of charges
	voided  map[string]bool            // references with a tombstone
	answers map[string]answer          // by idempotency key
	// disputes are by reference.
	disputes map[string]payments.Dispute
	at       time.Time
}

type answer struct {
	charge payments.Charge
	err    error
}

// NewProvider returns a provider without charges. It declines the payment methods of declines, each
// with its code.
func NewProvider(declines map[string]string) *Provider {
	return &Provider{
		declines: declines,
		at:       time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		charges:  map[string]payments.Charge{}, voided: map[string]bool{}, answers: map[string]answer{},
		disputes: map[string]payments.Dispute{},
	}
}

// DeclineNothing makes every payment method good from now on.
func (p *Provider) DeclineNothing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.declines = nil
}

// Authorize holds an amount.
func (p *Provider) Authorize(_ context.Context, a payments.Authorization) (payments.Charge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if first, ok := p.answers[a.IdempotencyKey]; ok {
		return first.charge, first.err
	}
	c, err := p.authorize(a)
	p.answers[a.IdempotencyKey] = answer{c, err}
	return c, err
}

func (p *Provider) authorize(a payments.Authorization) (payments.Charge, error) {
	if p.voided[a.Reference] {
		return payments.Charge{}, payments.ErrReferenceVoided
	}
	if code, no := p.declines[a.PaymentMethod]; no {
		return payments.Charge{}, &payments.Declined{Code: code}
	}
	if c, ok := p.charges[a.Reference]; ok {
		return c, nil
	}
	c := payments.Charge{
		ID: fmt.Sprintf("ch_%d", len(p.charges)+1), Reference: a.Reference, Status: payments.ChargeAuthorized,
		Amount: a.Amount,
	}
	p.charges[a.Reference] = c
	p.books = append(p.books, payments.LedgerEntry{Charge: c, CreatedAt: p.at})
	return c, nil
}

// page is how many entries of the ledger come at once.
const page = 3

// Ledger reads the books. The cursor counts.
func (p *Provider) Ledger(_ context.Context, cursor string) ([]payments.LedgerEntry, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begin := 0
	if cursor != "" {
		var err error
		if begin, err = strconv.Atoi(cursor); err != nil || begin > len(p.books) {
			return nil, "", fmt.Errorf("no such cursor: %q", cursor)
		}
	}
	end, next := min(begin+page, len(p.books)), ""
	if end < len(p.books) {
		next = strconv.Itoa(end)
	}
	entries := slices.Clone(p.books[begin:end])
	for i := range entries {
		entries[i].Charge = p.charges[entries[i].Reference]
	}
	return entries, next, nil
}

// At makes later charges be made at t. Until then they are made when 2026 began.
func (p *Provider) At(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = t
}

// Resurrect makes the charge under a reference live again behind everybody's back, as only a
// provider that breaks its contract would.
func (p *Provider) Resurrect(reference string, status payments.ChargeStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.charges[reference]
	c.Status, c.Refunded = status, 0
	if status == payments.ChargeRefunded {
		c.Refunded = c.Amount.Amount
	}
	p.charges[reference] = c
}

// Refund refunds a part of the charge under a reference, or all that is left of it, as somebody
// does at the provider itself.
func (p *Provider) Refund(reference string, amount int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.charges[reference]
	c.Refunded = min(c.Refunded+amount, c.Amount.Amount)
	if c.Refunded == c.Amount.Amount {
		c.Status = payments.ChargeRefunded
	}
	p.charges[reference] = c
}

// Capture takes what is held.
func (p *Provider) Capture(_ context.Context, s payments.Subject) (payments.Charge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.charges[s.Reference]
	switch {
	case p.voided[s.Reference], c.Status == payments.ChargeRefunded:
		return payments.Charge{}, payments.ErrReferenceVoided
	case !ok:
		return payments.Charge{}, payments.ErrNoCharge
	}
	c.Status = payments.ChargeCaptured
	p.charges[s.Reference] = c
	return c, nil
}

// Void lets go or gives back whatever there is, and bars what may still come.
func (p *Provider) Void(_ context.Context, s payments.Subject) (payments.Charge, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voided[s.Reference] = true
	c, ok := p.charges[s.Reference]
	switch c.Status {
	case payments.ChargeAuthorized:
		c.Status = payments.ChargeVoided
	case payments.ChargeCaptured:
		c.Status, c.Refunded = payments.ChargeRefunded, c.Amount.Amount
	}
	if ok {
		p.charges[s.Reference] = c
	}
	return c, ok, nil
}

// Find looks up a charge by its id or, where the subject has none, by its reference.
func (p *Provider) Find(_ context.Context, s payments.Subject) (payments.Charge, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for reference, c := range p.charges {
		if c.ID == s.ChargeID || s.ChargeID == "" && reference == s.Reference {
			c.Dispute = p.disputes[reference]
			return c, true, nil
		}
	}
	return payments.Charge{}, false, nil
}

// Dispute makes the charge under a reference disputed.
func (p *Provider) Dispute(reference string, d payments.Dispute) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.disputes[reference] = d
}

// Charge looks up the charge under a reference, as an auditor would.
func (p *Provider) Charge(reference string) (payments.Charge, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.charges[reference]
	return c, ok
}

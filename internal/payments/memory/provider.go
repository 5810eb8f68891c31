package memory

import (
	"context"
	"fmt"
	"sync"

	"orderflow/internal/payments"
)

// Provider is a payment provider in memory, with a ledger to look into. It keeps to the contract of payments.Provider to
// the letter: above all it repeats its first answer to an idempotency key, even if the charge was voided since.
type Provider struct {
	declines map[string]string

	mu      sync.Mutex
	charges map[string]payments.Charge // by reference
	voided  map[string]bool            // references with a tombstone
	answers map[string]answer          // by idempotency key
}

type answer struct {
	charge payments.Charge
	err    error
}

// NewProvider returns a provider without charges. It declines the payment methods of declines, each with its code.
func NewProvider(declines map[string]string) *Provider {
	return &Provider{
		declines: declines,
		charges:  map[string]payments.Charge{}, voided: map[string]bool{}, answers: map[string]answer{},
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
		ID: fmt.Sprintf("ch_%d", len(p.charges)+1), Reference: a.Reference, Status: payments.ChargeAuthorized, Amount: a.Amount,
	}
	p.charges[a.Reference] = c
	return c, nil
}

// Capture takes what is held.
func (p *Provider) Capture(_ context.Context, reference, _ string) (payments.Charge, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.charges[reference]
	switch {
	case p.voided[reference]:
		return payments.Charge{}, payments.ErrReferenceVoided
	case !ok:
		return payments.Charge{}, payments.ErrNoCharge
	}
	c.Status = payments.ChargeCaptured
	p.charges[reference] = c
	return c, nil
}

// Void lets go or gives back whatever there is, and bars what may still come.
func (p *Provider) Void(_ context.Context, reference, _ string) (payments.Charge, bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.voided[reference] = true
	c, ok := p.charges[reference]
	switch c.Status {
	case payments.ChargeAuthorized:
		c.Status = payments.ChargeVoided
	case payments.ChargeCaptured:
		c.Status = payments.ChargeRefunded
	}
	if ok {
		p.charges[reference] = c
	}
	return c, ok, nil
}

// Charge looks up the charge under a reference, as an auditor would.
func (p *Provider) Charge(reference string) (payments.Charge, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, ok := p.charges[reference]
	return c, ok
}

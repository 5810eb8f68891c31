package sandboxtest

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/registry"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/memory"
)

// Provider is the sandbox's payment provider. It implements http.Handler.
type Provider struct {
	http.Handler
	ledger   *memory.Store
	provider *provider.Provider
	refunds  int
}

// NewProvider returns a provider without charges.
func NewProvider(c clock.Clock) *Provider {
	ledger, source := memory.New(c), &numbers{}
	site := provider.Site{Endpoints: registry.Fixed{"payment-provider": "http://sandbox.test"}}
	sleep := func(context.Context, time.Duration) {}
	return &Provider{
		Handler: provider.Handler(ledger, c, source, sleep, site),
		ledger:  ledger, provider: provider.New(ledger, c, source, site),
	}
}

// Refund refunds a part of a captured charge, or what is left of it. It does nothing to other
// charges.
func (p *Provider) Refund(reference string, amount int64) {
	c := must(p.ledger.Entry(context.Background(), reference)).Charge
	if c == nil || !c.Captured {
		return
	}
	amount = min(amount, c.Amount.Amount-c.RefundedAmount.Amount)
	p.refunds++
	key := idempotency.Request{Scope: "refunds", Key: strconv.Itoa(p.refunds)}
	refund := provider.Refund{Amount: money.Money{Currency: c.Amount.Currency, Amount: amount}}
	must(p.provider.Refund(context.Background(), reference, key, refund))
}

// Authenticate makes the customer authenticate, or fail to, without a notice. It does nothing if
// nothing waits for the customer.
func (p *Provider) Authenticate(reference string, succeeds bool) {
	_, _ = p.provider.Answer(context.Background(), reference, succeeds)
}

// Dispute sets the state of a charge's dispute.
func (p *Provider) Dispute(reference, state string) {
	p.change(reference, func(e *provider.Entry) { e.Charge.Dispute = state })
}

// Set puts a charge into a status that the provider's rules do not allow, and reopens its
// reference.
func (p *Provider) Set(reference string, status provider.Status) {
	p.change(reference, func(e *provider.Entry) {
		c := *e.Charge
		c.RefundedAmount = money.Money{}
		c = c.In(status)
		e.Charge, e.Voided = &c, false
	})
}

func (p *Provider) change(reference string, apply func(*provider.Entry)) {
	e := must(p.ledger.Entry(context.Background(), reference))
	c := *e.Charge
	e.Charge = &c
	apply(&e)
	e.Version++
	must(e, p.ledger.Write(context.Background(), e, commit.With{}))
}

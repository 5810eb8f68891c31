package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ids"
	"orderflow/sandbox/carrier"
	carrierMemory "orderflow/sandbox/carrier/memory"
	"orderflow/sandbox/provider"
	providerMemory "orderflow/sandbox/provider/memory"
	sandbox "orderflow/sandbox/web"
)

// parties are the sandbox's payment provider and carrier in this process, which answer at once.
type parties struct {
	hosts   map[string]*httptest.Server // by name in the registry
	ledger  *providerMemory.Store
	carrier *carrier.Sender
}

// openParties starts them. later plans the carrier's callbacks; around wraps their handlers.
func openParties(
	ctx context.Context, c clock.Clock, source ids.Source, shipping sandbox.Endpoints, secret carrier.Secret,
	later func(func() error), around func(http.Handler) http.Handler,
) *parties {
	p := &parties{ledger: providerMemory.New(c)}
	callbacks := dues{carrierMemory.New(c), func(due carrier.Due) {
		later(func() error { return p.carrier.Send(ctx, due) })
	}}
	p.carrier = &carrier.Sender{Carrier: carrier.New(callbacks, c, source), Endpoints: shipping, Secret: secret,
		Clock: c, Client: http.DefaultClient}
	charges := provider.Handler(p.ledger, c, source, func(context.Context, time.Duration) {},
		provider.Site{Endpoints: shipping})
	p.hosts = map[string]*httptest.Server{
		"payment-provider": httptest.NewServer(around(charges)),
		"carrier":          httptest.NewServer(around(carrier.Handler(callbacks, c, source))),
	}
	return p
}

// Close stops the servers.
func (p *parties) Close() {
	for _, host := range p.hosts {
		host.Close()
	}
}

// dues is the carrier's table, whose stream calls back.
type dues struct {
	*carrierMemory.Store
	callBack func(carrier.Due)
}

// Write writes an entry; see carrier.Store.
func (d dues) Write(ctx context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	err := d.Store.Write(ctx, e, due, with)
	if err == nil && due != nil {
		d.callBack(*due)
	}
	return err
}

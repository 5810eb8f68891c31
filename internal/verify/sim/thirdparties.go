package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/money"
	"orderflow/sandbox/carrier"
	carrierMemory "orderflow/sandbox/carrier/memory"
	carrierStream "orderflow/sandbox/carrier/stream"
	"orderflow/sandbox/provider"
	providerMemory "orderflow/sandbox/provider/memory"
)

// parties are the sandbox's payment provider and carrier with their own stores.
type parties struct {
	ledger    *providerMemory.Store
	shipments *carrierMemory.Store
	provider  *provider.Provider
	carrier   *carrier.Carrier
	forgotten map[string]int   // voids that the provider lost, by reference
	refunded  map[string]int64 // cents refunded on the provider's site, by reference
}

// forget makes the provider lose a void: the charge is authorized or captured again.
func (p *parties) forget(reference string) {
	ctx := context.Background()
	e, err := p.ledger.Entry(ctx, reference)
	if err != nil || e.Charge == nil || !e.Voided {
		return
	}
	was := provider.StatusAuthorized
	if e.Charge.Status == provider.StatusRefunded {
		was = provider.StatusCaptured
	}
	c := e.Charge.In(was)
	c.RefundedAmount = money.Money{}
	if cents := p.refunded[reference]; cents > 0 {
		c.RefundedAmount = money.Money{Currency: c.Amount.Currency, Amount: cents}
	}
	e.Charge, e.Voided = &c, false
	e.Version++
	if p.ledger.Write(ctx, e, commit.With{}) == nil {
		p.forgotten[reference]++
	}
}

// captureIsDue checks that money is captured only after the carrier has booked.
func (w *World) captureIsDue(reference string) {
	e, err := w.parties.ledger.Entry(context.Background(), reference)
	if err == nil && e.Charge != nil && e.Charge.Captured && !w.history.booked[reference] {
		w.violate("money is captured only after the carrier has booked", reference, "the charge is %s", e.Charge.Status)
	}
}

// open builds the third parties behind the network.
func (w *World) open() {
	w.parties.forgotten, w.parties.refunded = map[string]int{}, map[string]int64{}
	w.parties.ledger, w.parties.shipments = providerMemory.New(w), carrierMemory.New(w)
	w.parties.provider = provider.New(w.parties.ledger, w, w.ids)
	due := dueStore{w.parties.shipments, w}
	w.parties.carrier = carrier.New(due, w, w.ids)
	// The network simulates the provider's delays.
	sleep := func(_ context.Context, d time.Duration) { w.network.slept += d }
	w.network.hosts = map[string]http.Handler{
		"payment-provider": provider.Handler(w.parties.ledger, w, w.ids, sleep),
		"carrier":          carrier.Handler(due, w, w.ids),
	}
	sender := carrier.Sender{
		Carrier: w.parties.carrier, Endpoints: addresses, Secret: carrierSecret{}, Clock: w,
		Client: &http.Client{Transport: w.network},
	}
	w.functions["send-carrier-callback"] = carrierStream.Handle(sender.Send)
}

type carrierSecret struct{}

// Value returns the secret; see carrier.Secret.
func (carrierSecret) Value(context.Context) ([]byte, error) { return secret, nil }

// dueStore is the carrier's table with its stream, which triggers the callbacks.
type dueStore struct {
	*carrierMemory.Store
	w *World
}

// Write replaces the entry; see carrier.Store.
func (s dueStore) Write(ctx context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	err := s.Store.Write(ctx, e, due, with)
	if err == nil && e.Shipment != nil && e.Shipment.Status == carrier.StatusBooked {
		s.w.history.booked[e.Reference] = true
	}
	if err == nil && due != nil {
		s.w.callBack(*due) //nolint:contextcheck // happens long after this call
	}
	return err
}

// callBack has the carrier decide and call back until that succeeds.
func (w *World) callBack(due carrier.Due) {
	wait, times := w.between(50*time.Millisecond, 3*time.Second), 1
	switch {
	case w.strikes(callbackNever):
		w.note(due.Reference, "the carrier will never call back")
		return
	case w.strikes(callbackLate):
		wait = w.between(time.Minute, 10*time.Minute)
	case w.strikes(callbackTwice):
		times = 2
	}
	for range times {
		w.after(wait, func() { w.sendCallback(due, 1) })
		wait = w.between(50*time.Millisecond, 2*time.Minute)
	}
}

func (w *World) sendCallback(due carrier.Due, attempt int) {
	item := record(map[string]string{"reference": due.Reference, "traceparent": due.TraceParent})
	payload := must(json.Marshal(map[string]any{"Records": []any{item}}))
	w.invoke("send-carrier-callback", due.Reference, payload, func(_ []byte, err error) {
		if err != nil && attempt < 20 {
			w.reach("the carrier called again")
			w.after(time.Duration(attempt)*time.Second, func() { w.sendCallback(due, attempt+1) })
		}
	})
}

package provider

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/sandbox/web"
)

// Sleeper waits for d, or until ctx ends.
type Sleeper func(ctx context.Context, d time.Duration)

// Sleep is the Sleeper for production.
func Sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Page limits of the ledger's list.
const (
	defaultLimit = 20
	maxLimit     = 100
)

// Handler serves the provider's HTTP API over a ledger.
func Handler(store Store, c clock.Clock, source ids.Source, sleep Sleeper, site Site) http.Handler {
	p := New(store, c, source, site)
	mux := http.NewServeMux()
	mux.Handle("POST /charges", p.serveCharge(sleep))
	capture := func(ctx context.Context, reference string) (any, error) { return p.Capture(ctx, reference) }
	mux.Handle("POST /charges/{reference}/capture", web.HandleReference(capture))
	void := func(ctx context.Context, reference string) (any, error) {
		charge, err := p.Void(ctx, reference)
		return map[string]*Charge{"charge": charge}, err
	}
	mux.Handle("POST /charges/{reference}/void", web.HandleReference(void))
	mux.Handle("POST /charges/{reference}/refund", web.Handle(p.serveRefund))
	mux.Handle("GET /charges/{reference}/authentication", p.servePage())
	mux.Handle("POST /charges/{reference}/authentication", p.servePage())
	mux.Handle("GET /ledger", web.Handle(p.serveLedger))
	mux.Handle("/", web.NoRoute())
	return mux
}

func (p *Provider) serveCharge(sleep Sleeper) http.Handler {
	return web.Handle(func(r *http.Request) (int, any, error) {
		in, key, err := web.Decode[Request](r, "charges")
		if err != nil {
			return 0, nil, err
		}
		charge, err := p.Charge(r.Context(), key, in)
		if in.PaymentMethod == methodSlow {
			sleep(r.Context(), Delay)
		}
		if charge.Status == StatusActionRequired {
			return http.StatusAccepted, charge, err
		}
		return http.StatusCreated, charge, err
	})
}

func (p *Provider) serveRefund(r *http.Request) (int, any, error) {
	reference, err := web.Reference(r.PathValue("reference"))
	if err != nil {
		return 0, nil, err
	}
	in, key, err := web.Decode[Refund](r, "refunds "+reference)
	if err != nil {
		return 0, nil, err
	}
	charge, err := p.Refund(r.Context(), reference, key, in)
	return http.StatusOK, charge, err
}

// Validate returns an error if the request violates the contract.
func (in Request) Validate() error {
	if _, err := web.Reference(in.Reference); err != nil {
		return err
	}
	if err := validateAmount(in.Amount); err != nil {
		return err
	}
	if in.PaymentMethod == "" {
		return web.Invalid("paymentMethod is missing")
	}
	return nil
}

// Validate returns an error if the request violates the contract.
func (in Refund) Validate() error { return validateAmount(in.Amount) }

func validateAmount(amount money.Money) error {
	m, err := money.Of(amount.Currency, amount.Amount)
	if err != nil {
		return web.Invalid("amount: " + err.Error())
	}
	if m.Amount == 0 { // refused by real providers, too
		return web.Invalid("amount is zero")
	}
	return nil
}

// ledger is the response of GET /ledger.
type ledger struct {
	Charges []Charge `json:"charges"`
	Cursor  string   `json:"cursor,omitempty"`
}

func (p *Provider) serveLedger(r *http.Request) (int, any, error) {
	q := r.URL.Query()
	if q.Has("reference") {
		reference, err := web.Reference(q.Get("reference"))
		if err != nil {
			return 0, nil, err
		}
		charges, err := p.Charges(r.Context(), reference)
		return http.StatusOK, ledger{Charges: charges}, err
	}
	if id := q.Get("charge"); id != "" {
		charges, err := p.ChargeByID(r.Context(), id)
		return http.StatusOK, ledger{Charges: charges}, err
	}
	status, limit := Status(q.Get("status")), defaultLimit
	if status != "" && !status.Valid() {
		return 0, nil, web.Invalid("status must be AUTHORIZED, CAPTURED, VOIDED or REFUNDED")
	}
	if s := q.Get("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxLimit {
			return 0, nil, web.Invalid("limit must be 1 to 100")
		}
	}
	charges, next, err := p.store.Charges(r.Context(), status, limit, q.Get("cursor"))
	return http.StatusOK, ledger{Charges: charges, Cursor: next}, err
}

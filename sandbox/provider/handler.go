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

// Sleep is the Sleeper that really waits.
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
func Handler(store Store, c clock.Clock, source ids.Source, sleep Sleeper) http.Handler {
	p := New(store, c, source)
	mux := http.NewServeMux()
	mux.Handle("POST /charges", p.serveCharge(sleep))
	mux.Handle("POST /charges/{reference}/capture", web.Handle(func(r *http.Request) (int, any, error) {
		reference, err := web.Reference(r.PathValue("reference"))
		if err != nil {
			return 0, nil, err
		}
		charge, err := p.Capture(r.Context(), reference)
		return http.StatusOK, charge, err
	}))
	mux.Handle("POST /charges/{reference}/void", web.Handle(func(r *http.Request) (int, any, error) {
		reference, err := web.Reference(r.PathValue("reference"))
		if err != nil {
			return 0, nil, err
		}
		charge, err := p.Void(r.Context(), reference)
		return http.StatusOK, map[string]*Charge{"charge": charge}, err
	}))
	mux.Handle("POST /charges/{reference}/refund", web.Handle(p.serveRefund))
	mux.Handle("GET /ledger", web.Handle(p.serveLedger))
	mux.Handle("/", web.NoRoute())
	return mux
}

func (p *Provider) serveCharge(sleep Sleeper) http.Handler {
	return web.Handle(func(r *http.Request) (int, any, error) {
		in, err := web.Decode[Request](r)
		if err != nil {
			return 0, nil, err
		}
		if err := in.validate(); err != nil {
			return 0, nil, err
		}
		key, err := web.Idempotency(r, "charges", in)
		if err != nil {
			return 0, nil, err
		}
		charge, err := p.Charge(r.Context(), key, in)
		if in.PaymentMethod == methodSlow {
			sleep(r.Context(), Delay)
		}
		return http.StatusCreated, charge, err
	})
}

func (p *Provider) serveRefund(r *http.Request) (int, any, error) {
	reference, err := web.Reference(r.PathValue("reference"))
	if err != nil {
		return 0, nil, err
	}
	in, err := web.Decode[Refund](r)
	if err != nil {
		return 0, nil, err
	}
	if m, err := money.Of(in.Amount.Currency, in.Amount.Amount); err != nil || m.Amount == 0 {
		return 0, nil, web.Invalid("amount: there is nothing to refund in it")
	}
	key, err := web.Idempotency(r, "refunds "+reference, in)
	if err != nil {
		return 0, nil, err
	}
	charge, err := p.Refund(r.Context(), reference, key, in)
	return http.StatusOK, charge, err
}

func (in Request) validate() error {
	if _, err := web.Reference(in.Reference); err != nil {
		return err
	}
	if m, err := money.Of(in.Amount.Currency, in.Amount.Amount); err != nil {
		return web.Invalid("amount: " + err.Error())
	} else if m.Amount == 0 { // as real providers do
		return web.Invalid("amount: there is nothing to charge")
	}
	if in.PaymentMethod == "" {
		return web.Invalid("paymentMethod is missing")
	}
	return nil
}

// ledger is what GET /ledger answers.
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
		return 0, nil, web.Invalid("status is not one of AUTHORIZED, CAPTURED, VOIDED, REFUNDED")
	}
	if s := q.Get("limit"); s != "" {
		var err error
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxLimit {
			return 0, nil, web.Invalid("limit is not 1 to 100")
		}
	}
	charges, next, err := p.store.Charges(r.Context(), status, limit, q.Get("cursor"))
	return http.StatusOK, ledger{Charges: charges, Cursor: next}, err
}

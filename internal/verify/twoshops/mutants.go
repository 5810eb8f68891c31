package twoshops

import (
	"context"
	"errors"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/stranglertest"
)

// Parts are the parts of a router.
type Parts struct {
	Old        strangler.OldShop
	New        strangler.NewShop
	Placements strangler.Placements
	Table      strangler.Routes
}

// Mutant is a deliberate defect, inserted where the router is wired. Product code does not know it.
type Mutant struct {
	Name   string
	Parts  func(p *Parts)
	Router func(r Router, p Parts) Router
}

// Mutants are all defects that the search must find.
var Mutants = []Mutant{
	{Name: "the side of a request is not recorded", Parts: func(p *Parts) {
		p.Placements = misplaced{p.Placements, func(_, d strangler.Decision, _ error) (strangler.Decision, error) {
			return d, nil
		}}
	}},
	{Name: "a record that cannot be written is no obstacle", Parts: func(p *Parts) {
		p.Placements = misplaced{p.Placements,
			func(decided, d strangler.Decision, err error) (strangler.Decision, error) {
				if err != nil {
					return d, nil
				}
				return decided, nil
			}}
	}},
	{Name: "the last decision counts", Parts: func(p *Parts) {
		p.Placements = misplaced{p.Placements,
			func(decided, d strangler.Decision, err error) (strangler.Decision, error) {
				decided.Side = d.Side
				return decided, err
			}}
	}},
	{Name: "a record's age is forgotten", Parts: func(p *Parts) {
		p.Placements = misplaced{p.Placements,
			func(decided, d strangler.Decision, err error) (strangler.Decision, error) {
				decided.At = d.At
				return decided, err
			}}
	}},
	{Name: "a repetition is translated by the table of now", Parts: func(p *Parts) {
		p.Placements = misplaced{p.Placements,
			func(decided, d strangler.Decision, err error) (strangler.Decision, error) {
				decided.Products = d.Products
				return decided, err
			}}
	}},
	{Name: "each attempt has a key of its own", Parts: func(p *Parts) { p.New = keyless{p.New} }},
	{Name: "an order that was not answered is placed at the other shop", Router: func(r Router, p Parts) Router {
		return fallsBack{r, p.Old, func(error) bool { return true }}
	}},
	{Name: "an order that the circuit refused is placed at the other shop", Router: func(r Router, p Parts) Router {
		return fallsBack{r, p.Old, func(err error) bool { return !errors.Is(err, stranglertest.ErrNoAnswer) }}
	}},
	{Name: "the mode says where an order is read", Router: byModeAt(strangler.ReadOrder)},
	{Name: "the mode says where an order is cancelled", Router: byModeAt(strangler.CancelOrder)},
	{Name: "the mode says whose orders are listed", Router: byModeAt(strangler.ListOrders)},
}

// misplaced is a record whose answers answer changes, from the recorded decision and the current
// one.
type misplaced struct {
	strangler.Placements
	answer func(decided, d strangler.Decision, err error) (strangler.Decision, error)
}

// Decide implements strangler.Placements.
func (m misplaced) Decide(
	ctx context.Context, customer, requestID string, d strangler.Decision,
) (strangler.Decision, error) {
	decided, err := m.Placements.Decide(ctx, customer, requestID, d)
	return m.answer(decided, d, err)
}

// keyless sends no idempotency key.
type keyless struct{ strangler.NewShop }

func (k keyless) PlaceOrder(
	ctx context.Context, as gateway.Caller, in gateway.OrderRequest,
) (gateway.Order, error) {
	as.IdempotencyKey = ""
	return k.NewShop.PlaceOrder(ctx, as, in)
}

// fallsBack places orders at the old shop that failed at the new one for certain reasons.
type fallsBack struct {
	Router
	old  strangler.OldShop
	when func(error) bool
}

func (f fallsBack) PlaceOrder(
	ctx context.Context, as strangler.Caller, in strangler.Placement,
) (strangler.Order, error) {
	o, err := f.Router.PlaceOrder(ctx, as, in)
	var refusal *strangler.Refusal
	if err == nil || errors.As(err, &refusal) || errors.Is(err, errTable) || !f.when(err) {
		return o, err
	}
	return f.old.PlaceOrder(ctx, as.Customer, in)
}

// byMode reads orders from the old shop if the mode of the route says so.
type byMode struct {
	Router
	p     Parts
	route strangler.Route
}

func byModeAt(route strangler.Route) func(Router, Parts) Router {
	return func(r Router, p Parts) Router { return byMode{r, p, route} }
}

func (b byMode) old(ctx context.Context, r strangler.Route) bool {
	return r == b.route && b.p.Table.Current(ctx).Routes[r].Mode == strangler.Legacy
}

func (b byMode) ReadOrder(ctx context.Context, as strangler.Caller, orderID string) (strangler.Order, error) {
	if b.old(ctx, strangler.ReadOrder) {
		return b.p.Old.Order(ctx, as.Customer, orderID)
	}
	return b.Router.ReadOrder(ctx, as, orderID)
}

func (b byMode) CancelOrder(
	ctx context.Context, as strangler.Caller, orderID string, in strangler.Cancellation,
) (strangler.Order, error) {
	if b.old(ctx, strangler.CancelOrder) {
		return b.p.Old.CancelOrder(ctx, as.Customer, orderID, in)
	}
	return b.Router.CancelOrder(ctx, as, orderID, in)
}

func (b byMode) ListOrders(ctx context.Context, as strangler.Caller, page string) (strangler.OrderPage, error) {
	if b.old(ctx, strangler.ListOrders) {
		return b.p.Old.Orders(ctx, as.Customer, 1)
	}
	return b.Router.ListOrders(ctx, as, page)
}

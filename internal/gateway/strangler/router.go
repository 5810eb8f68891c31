package strangler

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/idempotency"
)

const (
	// newSideTimeout bounds a read of the new side that can fall back, so that time is left for the
	// old side. It is more than half of gateway.SummaryTimeout: an attempt that times out counts
	// against the circuit.
	newSideTimeout = 1500 * time.Millisecond
	// sameRequest is how long a request to the new side can be repeated: for as long as the new
	// side certainly knows its idempotency key.
	sameRequest = idempotency.Retention - time.Hour
)

// Router serves the old interface. Its errors are *Refusal, or failures.
type Router struct {
	old        OldShop
	shop       NewShop
	routes     Routes
	placements Placements
	shadows    Shadows
	clock      clock.Clock
	monitor    Monitor
}

// NewRouter returns a router between the sides.
func NewRouter(
	o OldShop, n NewShop, r Routes, p Placements, s Shadows, c clock.Clock, m Monitor,
) *Router {
	return &Router{old: o, shop: n, routes: r, placements: p, shadows: s, clock: c, monitor: m}
}

// bearer is a Caller in the form of the new side.
func (c Caller) bearer() gateway.Caller { return gateway.Caller{Authorization: c.Authorization} }

// ReadProduct reads a product. A product that only one side has is read there in every mode but
// New, which reads from the new side only.
func (r *Router) ReadProduct(ctx context.Context, as Caller, productID string) (Product, error) {
	ctx, cancel := gateway.Bounded(ctx)
	defer cancel()
	table := r.routes.Current(ctx)
	setting := table.Routes[ReadProduct]
	sku, onNew := table.SKU(productID)
	onOld := isOld(productID)
	switch {
	case onNew && !onOld:
		setting.Mode = New
	case !onNew && (!onOld || setting.Mode == New):
		return Product{}, errNoProduct
	case !onNew:
		setting.Mode = Legacy
	}
	product, err := either(ctx, r, ReadProduct, setting, as,
		func(ctx context.Context) (Product, error) { return r.old.Product(ctx, as.Customer, productID) },
		func(ctx context.Context) (Product, error) {
			p, err := r.shop.Product(ctx, as.bearer(), sku)
			return table.product(p), refusal(err, errNoProduct)
		})
	if err == nil && setting.Mode == Shadow {
		r.shadows.Enqueue(ctx, Shadowed{Route: ReadProduct, Answer: product})
	}
	return product, err
}

// ListProducts lists products. A page is a number, which both sides know, or a position on the new
// side, which that side serves in every mode.
func (r *Router) ListProducts(ctx context.Context, as Caller, page string) (ProductPage, error) {
	n, isNumber, err := pageNumber(page)
	if err != nil {
		return ProductPage{}, err
	}
	ctx, cancel := gateway.Bounded(ctx)
	defer cancel()
	table := r.routes.Current(ctx)
	setting := table.Routes[ListProducts]
	if !isNumber {
		setting.Mode = New
	}
	products, err := either(ctx, r, ListProducts, setting, as,
		func(ctx context.Context) (ProductPage, error) { return r.old.Products(ctx, as.Customer, n) },
		func(ctx context.Context) (ProductPage, error) { return r.newProducts(ctx, table, as, page, n) })
	if err == nil && setting.Mode == Shadow {
		r.shadows.Enqueue(ctx, Shadowed{Route: ListProducts, Answer: products})
	}
	return products, err
}

// newProducts lists products of the new side: page n, or from the position if n is 0.
func (r *Router) newProducts(ctx context.Context, table Table, as Caller, page string, n int) (ProductPage, error) {
	var start gateway.Start
	if n == 0 {
		sku, ok := decodeSKU(page)
		if !ok {
			return ProductPage{}, errPage
		}
		start.After = sku
	}
	if n > maxPage {
		return ProductPage{}, errPage
	}
	products := ProductPage{Products: []Product{}}
	for skip := (n - 1) * PageSize; ; {
		limit := PageSize
		if skip > 0 {
			limit = min(skip, mostProducts)
		}
		found, err := r.shop.Products(ctx, as.bearer(), gateway.ProductList{Limit: limit, Start: start})
		if err != nil {
			return ProductPage{}, refusal(err, errPage)
		}
		if skip <= 0 {
			for _, p := range found.Products {
				products.Products = append(products.Products, table.product(p))
			}
		}
		skip -= len(found.Products)
		switch last := len(found.Products) - 1; {
		case found.Cursor == nil:
			return products, nil
		case len(products.Products) > 0:
			next := encodeSKU(found.Products[last].SKU)
			products.NextPage = &next
			return products, nil
		}
		start = gateway.Start{Cursor: *found.Cursor}
	}
}

// mostProducts is the largest page of the services' contract.
const mostProducts = 100

// either reads from the side of the setting. In mode Split a failing new side falls back to the old
// one.
func either[T any](
	ctx context.Context, r *Router, route Route, setting Setting, as Caller,
	fromOld, fromNew func(context.Context) (T, error),
) (T, error) {
	if setting.Side(as.Customer) == OldSide {
		return fromOld(ctx)
	}
	if setting.Mode == New {
		return fromNew(ctx)
	}
	bounded, cancel := context.WithTimeout(ctx, newSideTimeout)
	v, err := fromNew(bounded)
	cancel()
	if err == nil || answered(err) || deadline.Passed(ctx, err) {
		return v, err
	}
	r.fellBack(ctx, route, err)
	return fromOld(ctx)
}

// answered reports whether an error is a side's answer, as opposed to a failure.
func answered(err error) bool {
	var answer *Refusal
	return errors.As(err, &answer)
}

func (r *Router) fellBack(ctx context.Context, route Route, err error) {
	slog.WarnContext(ctx, LogFellBack, "route", string(route), "error", err.Error())
	r.monitor.FellBack(ctx, route)
}

// PlaceOrder places an order on the side that was decided when the request first arrived. Only then
// may it fall back to the old side because the new one is down: later it is unknown whether an
// earlier attempt reached the new side.
func (r *Router) PlaceOrder(ctx context.Context, as Caller, in Placement) (Order, error) {
	ctx, cancel := gateway.Bounded(ctx)
	defer cancel()
	table := r.routes.Current(ctx)
	side, cause := r.placeOn(ctx, table, as, in)
	chosen := Decision{Side: side, At: r.clock.Now().UTC()}
	if side == NewSide {
		chosen.Products = table.translation(in)
	}
	decided, err := r.placements.Decide(ctx, as.Customer, in.RequestID, chosen)
	if err != nil {
		return Order{}, err
	}
	if cause != nil && decided == chosen {
		r.fellBack(ctx, PlaceOrder, cause)
	}
	if decided.Side == OldSide {
		return r.old.PlaceOrder(ctx, as.Customer, in)
	}
	if r.clock.Now().Sub(decided.At) > sameRequest {
		return Order{}, errTooOld
	}
	placement, err := request(in, decided.Products)
	if err != nil {
		return Order{}, err
	}
	caller := as.bearer()
	caller.IdempotencyKey = in.RequestID
	o, err := r.shop.PlaceOrder(ctx, caller, placement)
	if err != nil {
		return Order{}, refusal(err, errNoProduct)
	}
	return table.order(o)
}

// placeOn returns the side for a new request. In mode Split, products that only one side has go to
// that side, and cause says why the new side, whose turn it is, is not asked.
func (r *Router) placeOn(ctx context.Context, table Table, as Caller, in Placement) (side Side, cause error) {
	setting := table.Routes[PlaceOrder]
	side = setting.Side(as.Customer)
	if setting.Mode != Split {
		return side, nil
	}
	onOld, onNew := true, true
	for _, l := range in.Lines {
		_, known := table.SKU(l.ProductID)
		onOld, onNew = onOld && isOld(l.ProductID), onNew && known
	}
	switch {
	case !onNew:
		return OldSide, nil
	case !onOld:
		return NewSide, nil
	case side == NewSide:
		if cause = r.newSideDown(ctx, as); cause != nil {
			return OldSide, cause
		}
	}
	return side, nil
}

// newSideDown returns why the new side takes no orders: its circuit is not closed. When the circuit
// is due for a probe, a read serves as the probe, so that no order has to.
func (r *Router) newSideDown(ctx context.Context, as Caller) error {
	if !r.shop.Down(ctx, gateway.Orders) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, newSideTimeout)
	defer cancel()
	_, err := r.shop.Orders(ctx, as.bearer(), gateway.OrderList{Limit: 1})
	if answered(refusal(err, errNoOrder)) || deadline.Passed(ctx, err) {
		return nil // it answers, and will refuse the order, too; or the customer no longer waits
	}
	return err
}

// ReadOrder reads an order from its owner, in every mode.
func (r *Router) ReadOrder(ctx context.Context, as Caller, orderID string) (Order, error) {
	return r.atOwner(ctx, orderID,
		func(ctx context.Context, id string) (Order, error) { return r.old.Order(ctx, as.Customer, id) },
		func(ctx context.Context, id string) (gateway.Order, error) { return r.shop.Order(ctx, as.bearer(), id) })
}

// CancelOrder cancels an order at its owner, in every mode.
func (r *Router) CancelOrder(ctx context.Context, as Caller, orderID string, in Cancellation) (Order, error) {
	return r.atOwner(ctx, orderID,
		func(ctx context.Context, id string) (Order, error) {
			return r.old.CancelOrder(ctx, as.Customer, id, in)
		},
		func(ctx context.Context, id string) (gateway.Order, error) {
			caller := as.bearer()
			note := sha256.Sum256([]byte(in.Note))
			caller.IdempotencyKey = fmt.Sprintf("cancel-%s-%x", id, note[:8]) // the same for a request that is repeated
			o, err := r.shop.CancelOrder(ctx, caller, id, cancellation(in))
			if err != nil {
				return o, err
			}
			// A repeated cancellation gets its recorded answer, from before the order was undone.
			if now, err := r.shop.Order(ctx, caller, id); err == nil {
				return now, nil
			}
			return o, nil
		})
}

// atOwner calls the side that owns an order, with the order's id there.
func (r *Router) atOwner(
	ctx context.Context, orderID string,
	atOld func(ctx context.Context, id string) (Order, error),
	atNew func(ctx context.Context, id string) (gateway.Order, error),
) (Order, error) {
	ctx, cancel := gateway.Bounded(ctx)
	defer cancel()
	owner, id, ok := OwnerOf(orderID)
	switch {
	case !ok:
		return Order{}, errNoOrder
	case owner == OldSide:
		return atOld(ctx, id)
	}
	o, err := atNew(ctx, id)
	if err != nil {
		return Order{}, refusal(err, errNoOrder)
	}
	return r.routes.Current(ctx).order(o)
}

package strangler

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/deadline"
)

// ListOrders lists the orders of both sides, newest first, in every mode. If a side fails, the page
// has the other's orders, and the position of the failed side stays: its orders are on a later
// page. So a client that follows next_page to the end has seen every order, or has had an error. A
// client that counts pages gets an error instead.
func (r *Router) ListOrders(ctx context.Context, as Caller, page string) (OrderPage, error) {
	n, isNumber, err := pageNumber(page)
	if err != nil {
		return OrderPage{}, err
	}
	var at position
	if !isNumber {
		n = 1
		if at, err = parsePosition(page); err != nil {
			return OrderPage{}, err
		}
	}
	if n > maxPage {
		return OrderPage{}, errPage
	}
	counts := n > 1
	ctx, cancel := gateway.Bounded(ctx)
	defer cancel()
	for {
		orders, next, err := r.merged(ctx, as, at, counts)
		if n--; err != nil || n == 0 {
			return orderPage(orders, next), err
		}
		if at = next; at.newEnded && at.oldEnded {
			return orderPage(nil, at), nil
		}
	}
}

func orderPage(orders []Order, next position) OrderPage {
	page := OrderPage{Orders: append([]Order{}, orders...)}
	if !next.newEnded || !next.oldEnded {
		p := next.String()
		page.NextPage = &p
	}
	return page
}

// batch has a side's orders from a position on, up to PageSize or a few more.
type batch struct {
	orders []Order
	ids    []string // of the new side's orders, there
	ended  bool     // the side has no more orders
	err    error
}

// open reports whether the side may have more orders than the batch, which nothing older may pass.
func (b batch) open(taken int) bool { return b.err == nil && !b.ended && taken == len(b.orders) }

// merged returns a page from a position on, and the position of the next one. If whole, it needs
// both sides.
func (r *Router) merged(ctx context.Context, as Caller, at position, whole bool) ([]Order, position, error) {
	fromOld, fromNew := batch{ended: true}, batch{ended: true}
	var wg sync.WaitGroup
	if !at.oldEnded {
		wg.Go(func() { fromOld = r.oldOrders(ctx, as, at.offset) })
	}
	if !at.newEnded {
		wg.Go(func() { fromNew = r.newOrders(ctx, as, at.after) })
	}
	wg.Wait()
	switch failure := errors.Join(fromNew.err, fromOld.err); {
	case failure == nil:
	case whole, answered(fromNew.err), answered(fromOld.err), deadline.Passed(ctx, failure):
		return nil, at, failure
	case (at.oldEnded || fromOld.err != nil) && (at.newEnded || fromNew.err != nil):
		return nil, at, failure
	case fromNew.err != nil:
		r.fellBack(ctx, ListOrders, failure)
	default:
		slog.WarnContext(ctx, "a page lacks the orders of the old shop", "error", failure.Error())
	}
	var orders []Order
	i, j := 0, 0 // taken of the new and the old side
	for len(orders) < PageSize && !fromNew.open(i) && !fromOld.open(j) {
		switch newer, older := fromNew.orders[i:], fromOld.orders[j:]; {
		case len(newer) == 0 && len(older) == 0:
			return orders, at.past(fromNew, i, fromOld, j), nil
		case len(older) == 0, len(newer) > 0 && newer[0].PlacedAt >= older[0].PlacedAt:
			orders = append(orders, newer[0])
			i++
		default:
			orders = append(orders, older[0])
			j++
		}
	}
	return orders, at.past(fromNew, i, fromOld, j), nil
}

// past returns the position after i orders of the new side's batch and j of the old one's.
func (p position) past(fromNew batch, i int, fromOld batch, j int) position {
	if i > 0 {
		p.after = fromNew.ids[i-1]
	}
	p.offset += j
	p.newEnded = fromNew.ended && i == len(fromNew.orders)
	p.oldEnded = fromOld.ended && j == len(fromOld.orders)
	return p
}

// oldOrders returns the orders of the old shop from an offset on, which need not begin a page.
func (r *Router) oldOrders(ctx context.Context, as Caller, offset int) (b batch) {
	for n := offset/PageSize + 1; ; n++ {
		page, err := r.old.Orders(ctx, as.Customer, n)
		if err != nil {
			return batch{err: err}
		}
		b.orders = append(b.orders, page.Orders...)
		b.ended = page.NextPage == nil
		if skip := offset % PageSize; b.ended || len(b.orders) >= skip+PageSize {
			b.orders = b.orders[min(skip, len(b.orders)):]
			return b
		}
	}
}

// newOrders returns the orders of the new side after one of them.
func (r *Router) newOrders(ctx context.Context, as Caller, after string) (b batch) {
	table, start := r.routes.Current(ctx), gateway.Start{After: after}
	for {
		page, err := r.shop.Orders(ctx, as.bearer(), gateway.OrderList{Limit: PageSize, Start: start})
		if err != nil {
			return batch{err: refusal(err, errPage)}
		}
		for _, o := range page.Orders {
			order, err := table.order(o)
			if err != nil {
				return batch{err: err}
			}
			b.orders, b.ids = append(b.orders, order), append(b.ids, o.OrderID)
		}
		if b.ended = page.Cursor == nil; b.ended || len(b.orders) > 0 {
			return b
		}
		start = gateway.Start{Cursor: *page.Cursor}
	}
}

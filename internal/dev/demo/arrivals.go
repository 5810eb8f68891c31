package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
)

// arrivals are orders that arrive at an interval, whatever became of the earlier ones. Their
// customers place a few each, and no other orders. Its methods are safe for concurrent use.
type arrivals struct {
	shop  Shop
	every time.Duration
	run   string // makes customers and keys different from those of other runs

	mu       sync.Mutex
	tried    int             // orders so far
	accepted map[string]bool // by their ids
	refused  []error
	other    string // address of a second API, which half of the tries use; "" if there is none
	there    int    // orders that were placed at a second API
}

func (s Shop) arrivals(every time.Duration) *arrivals {
	return &arrivals{shop: s, every: every, run: strings.ToLower(rand.Text()[:8]), accepted: map[string]bool{}}
}

// visit calls order for 0, 1, … at the interval, without waiting for earlier calls, until ctx ends
// or it has made most calls. It returns when all calls have returned. The end of ctx does not end
// their context, so each order is either accepted or refused.
func (a *arrivals) visit(ctx context.Context, most int, order func(ctx context.Context, n int)) {
	var atOnce sync.WaitGroup
	defer atOnce.Wait()
	t := time.NewTicker(a.every)
	defer t.Stop()
	for n := range most {
		atOnce.Go(func() { order(context.WithoutCancel(ctx), n) })
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// patience is how often a customer tries to place an order.
const patience = 30

// order places an order for the next customer. Without a final answer it tries again with the same
// key, as a customer would, at the other API if there is one.
func (a *arrivals) order(ctx context.Context, r client.OrderRequest) (
	order client.Order, by *client.Client, err error,
) {
	var n int
	a.locked(func() { n, a.tried = a.tried, a.tried+1 })
	for try := range patience {
		c, other := a.customer(n), ""
		a.locked(func() { other = a.other })
		away := other != "" && (n+try)%2 == 0
		if away {
			c.BaseURL = other
		}
		order, err = c.PlaceOrder(ctx, fmt.Sprintf("%s-%d", a.run, n), r)
		var problem *client.Problem
		if err == nil || errors.As(err, &problem) && !problem.Temporary() {
			if away {
				a.locked(func() { a.there++ })
			}
			break
		}
		_ = clock.Sleep(ctx, time.Second) // ctx does not end
	}
	a.locked(func() {
		if err != nil {
			a.refused = append(a.refused, fmt.Errorf("order %d: %w", n, err))
		} else {
			a.accepted[order.OrderID] = true
		}
	})
	return order, a.customer(n), err
}

// offer lets half of the tries use a second API, none if address is "".
func (a *arrivals) offer(address string) { a.locked(func() { a.other = address }) }

// perCustomer is the number of orders of each customer, below the limit of 20 orders in progress.
const perCustomer = 18

// customer returns the customer of the n-th order.
func (a *arrivals) customer(n int) *client.Client {
	return a.shop.CustomerNamed(fmt.Sprintf("demo-%s-%d", a.run, n/perCustomer))
}

// results returns the ids of the accepted orders, and why others were refused.
func (a *arrivals) results() (accepted map[string]bool, refused []error) {
	a.locked(func() { accepted, refused = maps.Clone(a.accepted), slices.Clone(a.refused) })
	return accepted, refused
}

// count returns how many orders were accepted.
func (a *arrivals) count() (n int) {
	a.locked(func() { n = len(a.accepted) })
	return n
}

// listed returns the orders in their customers' lists. An order that is not accepted is one that a
// request placed besides its own.
func (a *arrivals) listed(ctx context.Context) (found []client.Order, err error) {
	var tried int
	a.locked(func() { tried = a.tried })
	for n := 0; n < tried; n += perCustomer {
		page, err := a.customer(n).ListOrders(ctx, 100, "")
		if err != nil {
			return nil, err
		}
		found = append(found, page.Orders...)
	}
	return found, nil
}

func (a *arrivals) locked(do func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	do()
}

// unfinished counts the orders that are not final.
func unfinished(orders []client.Order) (n int) {
	for _, order := range orders {
		if !order.Final() {
			n++
		}
	}
	return n
}

// unaccounted reports the accepted orders that are not in their customers' lists, and the listed
// ones that were not accepted or are there twice.
func unaccounted[V any](accepted map[string]V, orders []client.Order) (all []error) {
	listed := map[string]bool{}
	for _, o := range orders {
		if listed[o.OrderID] {
			all = append(all, fmt.Errorf("order %s is in a list twice", o.OrderID))
		}
		if _, known := accepted[o.OrderID]; !known {
			all = append(all, fmt.Errorf("no client knows of order %s: a request placed two", o.OrderID))
		}
		listed[o.OrderID] = true
	}
	for _, id := range slices.Sorted(maps.Keys(accepted)) {
		if !listed[id] {
			all = append(all, fmt.Errorf("order %s is lost", id))
		}
	}
	return all
}

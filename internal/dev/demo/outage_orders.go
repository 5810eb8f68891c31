package demo

import (
	"context"
	"fmt"
	"sync"
	"time"

	"orderflow/internal/ops/client"
)

// arrive places orders at the planned interval until ctx ends, without waiting for earlier ones.
func (o *outage) arrive(ctx context.Context) {
	var atOnce sync.WaitGroup
	defer atOnce.Wait()
	t := time.NewTicker(o.plan.Every)
	defer t.Stop()
	for n := 1; ; n++ {
		atOnce.Go(func() { o.order(context.WithoutCancel(ctx), n) })
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// tries is how often a customer tries to place an order with the same key.
const tries = 3

// each is the number of orders per customer. It spans below the limit of 20 orders under way.
const each = 18

// customer returns the customer of the n-th order, from 1.
func (o *outage) customer(n int) *client.Client { return o.As(fmt.Sprintf("outage%d", (n-1)/each)) }

// order places one order, and retries as a customer would.
func (o *outage) order(ctx context.Context, n int) {
	key := fmt.Sprintf("outage-%s-%d", o.first.OrderID, n)
	o.mu.Lock()
	o.begun = max(o.begun, n)
	o.mu.Unlock()
	for try := 1; ; try++ {
		placed, err := o.customer(n).PlaceOrder(ctx, key, request(o.sku, 1, good, berlin))
		if err == nil || try == tries {
			o.note(placed.OrderID, err)
			return
		}
		_ = pause(ctx, time.Second) // ctx does not end
	}
}

func (o *outage) note(orderID string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.refused = append(o.refused, err)
		return
	}
	o.placed[orderID] = true
}

// count returns how many orders were accepted.
func (o *outage) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.placed)
}

// orders returns the accepted orders in their customers' lists.
func (o *outage) orders(ctx context.Context) (found []client.Order, err error) {
	for n := 1; n <= o.arrived(); n += each {
		theirs, err := o.ordersOf(ctx, o.customer(n))
		if err != nil {
			return nil, err
		}
		found = append(found, theirs...)
	}
	return found, nil
}

func (o *outage) ordersOf(ctx context.Context, customer *client.Client) (found []client.Order, err error) {
	for cursor := ""; ; {
		page, err := customer.ListOrders(ctx, 100, cursor)
		if err != nil {
			return nil, err
		}
		for _, order := range page.Orders {
			if order.OrderID <= o.first.OrderID { // ids grow with time
				return found, nil
			}
			o.mu.Lock()
			if o.placed[order.OrderID] {
				found = append(found, order)
			}
			o.mu.Unlock()
		}
		if page.Cursor == nil || *page.Cursor == "" {
			return found, nil
		}
		cursor = *page.Cursor
	}
}

// arrived returns how many orders customers started to place.
func (o *outage) arrived() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.begun
}

// open counts the orders that are not final.
func open(orders []client.Order) (n int) {
	for _, order := range orders {
		if !order.Final() {
			n++
		}
	}
	return n
}

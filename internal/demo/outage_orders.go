package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orderflow/internal/client"
)

// arrive places an order every so often until ctx ends, whatever becomes of the ones before.
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

// tries is how often a customer tries to place an order, with the same key.
const tries = 3

// order places one order, as a customer does who tries again when the shop does not answer.
func (o *outage) order(ctx context.Context, n int) {
	key := fmt.Sprintf("outage-%s-%d", o.first.OrderID, n)
	for try := 1; ; try++ {
		placed, err := o.Customer.PlaceOrder(ctx, key, request(o.sku, 1, good, berlin))
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

// orders returns what their customer's list shows of the orders that were accepted.
func (o *outage) orders(ctx context.Context) (found []client.Order, err error) {
	for cursor := ""; ; {
		page, err := o.Customer.ListOrders(ctx, 100, cursor)
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
			return found, errors.New("the list of orders ends before the first one")
		}
		cursor = *page.Cursor
	}
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

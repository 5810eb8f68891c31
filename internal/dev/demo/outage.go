package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

// Plan describes an outage of the payment provider. Orders are placed throughout, except during
// Drain.
type Plan struct {
	// Every is the interval between orders.
	Every time.Duration
	// Before, Down and After are the times for which the provider is up, down, and up again.
	Before, Down, After time.Duration
	// Drain is the time after that for orders to become final.
	Drain time.Duration
	// Fall is the fraction, 0 to 1, by which calls to the provider must fall while the circuit is
	// open, relative to the calls that steps attempted. FallFromBefore is the same relative to the
	// calls before the outage.
	Fall, FallFromBefore float64
}

// Minute is an outage of one minute.
var Minute = Plan{Every: 700 * time.Millisecond, Before: 15 * time.Second, Down: time.Minute, After: 15 * time.Second,
	Drain: 100 * time.Second, Fall: .9, FallFromBefore: .9}

// outage is an outage in progress.
type outage struct {
	Shop
	plan     Plan
	provider *intercept.Interceptor
	out      io.Writer

	begin, broken, mended time.Time
	// first is the order placed before all others; sku is the product of all, stocked its initial
	// stock.
	first   client.Order
	sku     string
	stocked client.Stock

	mu      sync.Mutex
	begun   int // orders that customers started to place
	placed  map[string]bool
	refused []error
	looks   []look
}

// Outage takes the payment provider down while orders keep coming, brings it up again, and reports
// on orders, calls to the provider, money and stock. It fails if an order was lost or not
// confirmed, if calls fell by less than planned, or if money or stock do not add up. provider must
// already receive the calls of payments.
func (s Shop) Outage(ctx context.Context, w io.Writer, provider *intercept.Interceptor, p Plan) error {
	o := &outage{Shop: s, plan: p, provider: provider, out: w, sku: "CANDLE", placed: map[string]bool{}}
	if err := o.prepare(ctx); err != nil {
		return err
	}
	playing, cancel := context.WithTimeout(ctx, p.Before+p.Down+p.After+p.Drain)
	defer cancel()
	o.begin = time.Now()
	fmt.Fprintf(w, "An order every %s. The provider is up for %s, down for %s, and up again.\n\n", p.Every, p.Before,
		p.Down)
	var background sync.WaitGroup
	watching, enough := context.WithCancel(playing)
	background.Go(func() { o.watch(watching) })
	background.Go(func() { o.printTimeline(watching) })
	err := o.play(playing)
	enough()
	background.Wait()
	if err != nil {
		return err
	}
	f, err := o.facts(ctx)
	if err != nil {
		return err
	}
	f.print(w)
	return errors.Join(f.broken(p)...)
}

// play takes the provider down and up, and returns when all orders are final or the time is over.
func (o *outage) play(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, o.provider.Mend()) }()
	var arrivals sync.WaitGroup
	defer arrivals.Wait()
	coming, stop := context.WithCancel(ctx)
	defer stop()
	arrivals.Go(func() { o.arrive(coming) })

	if err := pause(ctx, o.plan.Before); err != nil {
		return err
	}
	if err := o.provider.Break(); err != nil {
		return err
	}
	o.broken = time.Now()
	fmt.Fprintln(o.out, "          the provider is down: it answers 503, and every fourth time not at all")
	if err := pause(ctx, o.plan.Down); err != nil {
		return err
	}
	if err := o.provider.Mend(); err != nil {
		return err
	}
	o.mended = time.Now()
	fmt.Fprintln(o.out, "          the provider is back")
	if err := pause(ctx, o.plan.After); err != nil {
		return err
	}
	stop()
	arrivals.Wait()
	fmt.Fprintln(o.out, "          no more orders come")
	for {
		orders, err := o.orders(ctx)
		if err == nil && open(orders) == 0 && len(orders) == o.count() {
			return nil
		}
		if err := pause(ctx, time.Second); errors.Is(err, context.DeadlineExceeded) {
			return nil // the report shows the open orders
		} else if err != nil {
			return err
		}
	}
}

// prepare puts the product up for sale, and places one order to check that it is confirmed and that
// calls are routed through this process.
func (o *outage) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	enough := int((o.plan.Before+o.plan.Down+o.plan.After)/o.plan.Every) + 10
	if _, err := o.Operator.PutProduct(ctx, o.sku, "Candle", money.Money{Currency: "EUR", Amount: 990},
		""); err != nil {
		return err
	}
	if _, err := o.Operator.AdjustStock(ctx, "", o.sku,
		client.Adjustment{Delta: enough, Reason: "demo of an outage", AllowUnknownSKU: true}); err != nil {
		return err
	}
	began := time.Now()
	var err error
	if o.first, err = o.place(ctx, request(o.sku, 1, good, berlin)); err != nil {
		return err
	}
	if o.first, err = o.Customer.WaitFinal(ctx, o.first.OrderID, nil); err != nil {
		return err
	}
	if o.first.Status != client.Confirmed {
		return fmt.Errorf("an order ended %s before the outage: see `orderflow saga show %s`", o.first.Status,
			o.first.OrderID)
	}
	if len(o.provider.Calls(began)) < 2 { // authorize and capture
		return errors.New("calls to the payment provider are not routed through this process")
	}
	o.stocked, err = o.stock(ctx, o.sku)
	return err
}

// pause waits for d, or fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/resilience"
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

// orders is the number of orders of the plan.
func (p Plan) orders() int { return int((p.Before+p.Down+p.After)/p.Every) + 1 }

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
	placed  map[string]bool
	refused []error
	samples []sample
}

// Outage takes the payment provider down while it keeps placing orders, brings it up again, and
// reports on orders, calls to the provider, money and stock. It fails if an order was lost or not
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
	background.Go(func() { o.sampleCircuit(watching) })
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

// prepare creates the product and its stock, and places one order to check that it is confirmed and
// that calls are routed through this process.
func (o *outage) prepare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	if err := o.Sell(ctx, o.sku, "Candle", 990, o.plan.orders()+10); err != nil {
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

// play takes the provider down and up, and returns when all orders are final or the time is over.
func (o *outage) play(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, o.provider.Mend()) }()
	var arrivals sync.WaitGroup
	defer arrivals.Wait()
	arrivals.Go(func() { o.placeAll(ctx) })

	if err := clock.Sleep(ctx, o.plan.Before); err != nil {
		return err
	}
	if err := o.provider.Break(); err != nil {
		return err
	}
	o.broken = time.Now()
	fmt.Fprintln(o.out, "          the provider is down: it answers 503, and to every fourth call not at all")
	if err := clock.Sleep(ctx, o.plan.Down); err != nil {
		return err
	}
	if err := o.provider.Mend(); err != nil {
		return err
	}
	o.mended = time.Now()
	fmt.Fprintln(o.out, "          the provider is back")
	arrivals.Wait()
	fmt.Fprintln(o.out, "          no more orders are placed")
	for {
		orders, err := o.orders(ctx)
		if err == nil && unfinished(orders) == 0 && len(orders) == o.accepted() {
			return nil
		}
		if err := clock.Sleep(ctx, time.Second); errors.Is(err, context.DeadlineExceeded) {
			return nil // the report shows the open orders
		} else if err != nil {
			return err
		}
	}
}

// placeAll places the orders of the plan at its interval, without waiting for earlier ones.
func (o *outage) placeAll(ctx context.Context) {
	var atOnce sync.WaitGroup
	defer atOnce.Wait()
	t := time.NewTicker(o.plan.Every)
	defer t.Stop()
	for n := range o.plan.orders() {
		atOnce.Go(func() { o.order(context.WithoutCancel(ctx), n) })
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// perCustomer is the number of orders of each customer, below the limit of 20 orders in progress.
const perCustomer = 18

// customer returns the customer of the n-th order.
func (o *outage) customer(n int) *client.Client {
	return o.CustomerNamed(fmt.Sprintf("outage%d", n/perCustomer))
}

// order places one order, and tries three times with the same key, as a customer would.
func (o *outage) order(ctx context.Context, n int) {
	key := fmt.Sprintf("outage-%s-%d", o.first.OrderID, n)
	var order client.Order
	var err error
	for range 3 {
		order, err = o.customer(n).PlaceOrder(ctx, key, request(o.sku, 1, good, berlin))
		if err == nil {
			break
		}
		_ = clock.Sleep(ctx, time.Second) // ctx does not end
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil {
		o.refused = append(o.refused, err)
	} else {
		o.placed[order.OrderID] = true
	}
}

// accepted returns how many orders were accepted.
func (o *outage) accepted() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.placed)
}

// orders returns the accepted orders in their customers' lists, which have the newest first.
func (o *outage) orders(ctx context.Context) (found []client.Order, err error) {
	for n := 0; n < o.plan.orders(); n += perCustomer {
		page, err := o.customer(n).ListOrders(ctx, 100, "")
		if err != nil {
			return nil, err
		}
		o.mu.Lock()
		for _, order := range page.Orders {
			if o.placed[order.OrderID] {
				found = append(found, order)
			}
		}
		o.mu.Unlock()
	}
	return found, nil
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

// sample is the circuit at a time.
type sample struct {
	at       time.Time
	state    resilience.State
	openings int
}

// sampleCircuit samples the circuit until ctx ends.
func (o *outage) sampleCircuit(ctx context.Context) {
	for ctx.Err() == nil {
		if c, err := o.Circuit(ctx); err == nil {
			o.mu.Lock()
			o.samples = append(o.samples, sample{time.Now(), c.State, c.Openings})
			o.mu.Unlock()
		}
		_ = clock.Sleep(ctx, 200*time.Millisecond)
	}
}

// printTimeline prints a line every five seconds until ctx ends.
func (o *outage) printTimeline(ctx context.Context) {
	const interval = 5 * time.Second
	fmt.Fprintf(o.out, "%8s  %6s  %7s  %5s  %5s  %s\n", "TIME", "ORDERS", "CALLS/S", "OPEN", "FINAL", "CIRCUIT")
	for from := o.begin; clock.Sleep(ctx, time.Until(from.Add(interval))) == nil; from = from.Add(interval) {
		to := from.Add(interval)
		calls := slices.DeleteFunc(o.provider.Calls(from), func(at time.Time) bool { return !at.Before(to) })
		text := "      ?      ?"
		if orders, err := o.orders(ctx); err == nil {
			text = fmt.Sprintf("%5d  %5d", unfinished(orders), len(orders)-unfinished(orders))
		}
		fmt.Fprintf(o.out, "%6.0f s  %6d  %7.1f  %s  %s\n", to.Sub(o.begin).Seconds(), o.accepted(),
			float64(len(calls))/interval.Seconds(), text, o.states(from, to))
	}
}

// states returns the sequence of the circuit's states within a time.
func (o *outage) states(from, to time.Time) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var seen []string
	for _, s := range o.samples {
		if !s.at.Before(from) && s.at.Before(to) {
			seen = append(seen, string(s.state))
		}
	}
	return strings.Join(slices.Compact(seen), " → ")
}

// span is a time during which the circuit was open or half-open.
type span struct{ from, to time.Time }

// opened returns when the circuit refused ordinary calls, and how often it opened. It counts as
// open from the first sample that shows it open to the first that shows it closed.
func opened(samples []sample) (spans []span, times int) {
	before := sample{state: resilience.Closed}
	for _, s := range samples {
		switch {
		case s.state != resilience.Closed && before.state == resilience.Closed:
			spans = append(spans, span{s.at, s.at})
			times += s.openings
		case before.state != resilience.Closed:
			spans[len(spans)-1].to = s.at
			times += max(s.openings-before.openings, 0) // 0 after it closed
		}
		before = s
	}
	return spans, times
}

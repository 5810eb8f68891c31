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
	// Drain is the time for orders to become final after that. A slow machine needs most of it.
	Drain time.Duration
	// Fall is the fraction, 0 to 1, by which calls to the provider must fall while the circuit is
	// open, relative to the calls that steps attempted. FallFromBefore is the same relative to the
	// calls before the outage.
	Fall, FallFromBefore float64
}

// Minute is an outage of one minute.
var Minute = Plan{Every: 700 * time.Millisecond, Before: 15 * time.Second, Down: time.Minute, After: 15 * time.Second,
	Drain: 4 * time.Minute, Fall: .9, FallFromBefore: .9}

// orders is the number of orders of the plan.
func (p Plan) orders() int { return int((p.Before+p.Down+p.After)/p.Every) + 1 }

// outage is an outage in progress.
type outage struct {
	Shop
	plan     Plan
	provider *intercept.Interceptor
	out      io.Writer

	begin, broken, mended time.Time
	// sku is the product of all orders, stocked its initial stock.
	sku      string
	stocked  client.Stock
	arrivals *arrivals

	mu      sync.Mutex
	samples []sample
}

// Outage takes the payment provider down while it keeps placing orders, brings it up again, and
// reports on orders, calls to the provider, money and stock. It fails if an order was lost or not
// confirmed, if calls fell by less than planned, or if money or stock do not add up. provider must
// already receive the calls of payments.
func (s Shop) Outage(ctx context.Context, w io.Writer, provider *intercept.Interceptor, p Plan) error {
	o := &outage{Shop: s, plan: p, provider: provider, out: w, sku: "CANDLE", arrivals: s.arrivals(p.Every)}
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
	if err := o.confirms(ctx, o.sku); err != nil {
		return err
	}
	if len(o.provider.Calls(began)) < 2 { // authorize and capture
		return errors.New("calls to the payment provider are not routed through this process")
	}
	var err error
	o.stocked, err = o.stock(ctx, o.sku)
	return err
}

// play takes the provider down and up, and returns when all orders are final or the time is over.
func (o *outage) play(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, o.provider.Mend()) }()
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() {
		o.arrivals.visit(ctx, o.plan.orders(), func(ctx context.Context, _ int) {
			_, _, _ = o.arrivals.order(ctx, request(o.sku, 1, good, berlin))
		})
	})

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
	background.Wait()
	fmt.Fprintln(o.out, "          no more orders are placed")
	for {
		orders, err := o.arrivals.listed(ctx)
		if err == nil && unfinished(orders) == 0 && len(orders) == o.arrivals.count() {
			return nil
		}
		if err := clock.Sleep(ctx, time.Second); errors.Is(err, context.DeadlineExceeded) {
			return nil // the report shows the open orders
		} else if err != nil {
			return err
		}
	}
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
		if orders, err := o.arrivals.listed(ctx); err == nil {
			text = fmt.Sprintf("%5d  %5d", unfinished(orders), len(orders)-unfinished(orders))
		}
		fmt.Fprintf(o.out, "%6.0f s  %6d  %7.1f  %s  %s\n", to.Sub(o.begin).Seconds(), o.arrivals.count(),
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

package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/resilience"
)

// facts are the results of an outage.
type facts struct {
	// accepted counts accepted orders; refused are the failures to place one; orders are the
	// accepted ones in their customers' lists.
	accepted int
	refused  []error
	orders   []client.Order
	// failures are the errors of every try of an order that was not confirmed, by its id.
	failures map[string]string
	// live are the authorized and captured charges of each order.
	live map[string][]charge
	// stocked and left are the product's stock before and after.
	stocked, left client.Stock

	// before counts the calls before the outage, within upFor; sent those with the circuit open,
	// within openFor.
	before, sent   int
	upFor, openFor time.Duration
	// open counts the attempts of steps that the circuit refused, most those of one step; waits are
	// the longest waits after a step's first refused attempt, its second, and so on.
	open, most int
	waits      []time.Duration
	// openings counts how often the circuit opened; state is its final state. openAfter is the time
	// from the start of the outage to the first opening, closedAfter from its end to the last
	// closing.
	openings               int
	state                  resilience.State
	openAfter, closedAfter time.Duration
	// drained is the time from the provider's return to the last order's final state.
	drained time.Duration
}

// facts collects the results from the shop, the provider's ledger, the execution histories and the
// observations.
func (o *outage) facts(ctx context.Context) (f facts, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	f = facts{
		accepted: o.count(), refused: o.refused, stocked: o.stocked, live: map[string][]charge{},
		failures: map[string]string{}, upFor: o.broken.Sub(o.begin),
	}
	if f.orders, err = o.orders(ctx); err != nil {
		return f, err
	}
	for _, order := range f.orders {
		if order.Final() {
			f.drained = max(f.drained, order.UpdatedAt.Sub(o.mended))
		}
	}
	if f.left, err = o.stock(ctx, o.sku); err != nil {
		return f, err
	}
	f.calls(o)
	return f, o.books(ctx, &f)
}

// calls counts the calls before the outage and while the circuit was open.
func (f *facts) calls(o *outage) {
	var spans []span
	spans, f.openings = opened(o.looks)
	if n := len(o.looks); n > 0 {
		f.state = o.looks[n-1].state
	}
	if len(spans) > 0 {
		f.openAfter = spans[0].from.Sub(o.broken)
	}
	for _, s := range spans {
		f.openFor += s.to.Sub(s.from)
		f.closedAfter = s.to.Sub(o.mended)
	}
	for _, c := range o.provider.Calls(o.begin) {
		if c.Before(o.broken) {
			f.before++
		}
		for _, s := range spans {
			if !c.Before(s.from) && c.Before(s.to) {
				f.sent++
			}
		}
	}
}

// books reads the provider's ledger and the saga of every order, a few at a time.
func (o *outage) books(ctx context.Context, f *facts) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed []error
	room := make(chan struct{}, 4)
	for _, order := range f.orders {
		room <- struct{}{}
		wg.Go(func() {
			defer func() { <-room }()
			charges, err := o.ledger(ctx, order.OrderID)
			saga, none := o.Saga(ctx, order.OrderID)
			mu.Lock()
			defer mu.Unlock()
			failed = append(failed, err, none)
			for _, c := range charges {
				if c.Status != "VOIDED" && c.Status != "REFUNDED" {
					f.live[order.OrderID] = append(f.live[order.OrderID], c)
				}
			}
			for _, step := range saga.Steps {
				f.step(step)
			}
			if order.Status != client.Confirmed {
				f.failures[order.OrderID] = failures(saga.Steps)
			}
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// step counts the attempts of a step that the circuit refused.
func (f *facts) step(s timeline.Step) {
	n := 0
	for _, a := range s.Attempts {
		if a.Failure == nil || a.Failure.Error != resilience.ErrOpen.Code {
			continue
		}
		if n == len(f.waits) {
			f.waits = append(f.waits, 0)
		}
		f.waits[n] = max(f.waits[n], time.Duration(a.RetryWait))
		n++
	}
	f.open, f.most = f.open+n, max(f.most, n)
}

// failures lists the errors of the tries of each step.
func failures(steps []timeline.Step) string {
	var all strings.Builder
	for _, s := range steps {
		for _, a := range s.Attempts {
			if a.Failure != nil {
				fmt.Fprintf(&all, " %s:%s", s.State, a.Failure.Error)
			}
		}
	}
	return all.String()
}

// ended counts orders by outcome.
func (f facts) ended() (confirmed, wrongly, unfinished int) {
	for _, order := range f.orders {
		switch {
		case order.Status == client.Confirmed:
			confirmed++
		case order.Final():
			wrongly++
		default:
			unfinished++
		}
	}
	return confirmed, wrongly, unfinished
}

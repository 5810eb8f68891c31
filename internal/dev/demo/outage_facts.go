package demo

import (
	"context"
	"errors"
	"sync"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/resilience"
)

// facts are what is known of an outage when it is over.
type facts struct {
	// accepted orders, those that the shop would not take, and those of the accepted that its
	// customer's list shows.
	accepted int
	refused  []error
	orders   []client.Order
	// live are the charges of each order that the provider holds or has captured.
	live map[string][]charge
	// stocked and left are the product's stock before and after.
	stocked, left client.Stock

	// before is how many calls came with the provider up, in upFor; sent how many with the circuit
	// open, in openFor.
	before, sent   int
	upFor, openFor time.Duration
	// open are the tries of steps that the circuit ended, most those of one step; waits are the
	// longest wait after the first such try of a step, the second, and so on.
	open, most int
	waits      []time.Duration
	// openings is how often the circuit opened, state how it stands; openAfter is the time from the
	// outage's begin to the first opening, closedAfter that from its end to the last closing.
	openings               int
	state                  resilience.State
	openAfter, closedAfter time.Duration
	// drained is the time from the provider's return to the last order's final state.
	drained time.Duration
}

// facts gathers them: from the shop, its provider's ledger, the executions' histories, and what was
// watched.
func (o *outage) facts(ctx context.Context) (f facts, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	f = facts{accepted: o.count(), refused: o.refused, stocked: o.stocked, live: map[string][]charge{},
		upFor: o.broken.Sub(o.begin)}
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

// calls counts what came by, before the outage and while the circuit was open.
func (f *facts) calls(o *outage) {
	var stays []stay
	stays, f.openings = opened(o.looks)
	if n := len(o.looks); n > 0 {
		f.state = o.looks[n-1].state
	}
	if len(stays) > 0 {
		f.openAfter = stays[0].from.Sub(o.broken)
	}
	for _, s := range stays {
		f.openFor += s.to.Sub(s.from)
		f.closedAfter = s.to.Sub(o.mended)
	}
	for _, c := range o.provider.Calls(o.begin) {
		if c.Before(o.broken) {
			f.before++
		}
		for _, s := range stays {
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
		})
	}
	wg.Wait()
	return errors.Join(failed...)
}

// step counts the tries of a step that the circuit ended.
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

// ended counts the orders by how they ended.
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

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"text/tabwriter"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
)

// facts are the results of an outage.
type facts struct {
	// accepted are the ids of accepted orders; refused are the failures to place one; orders are
	// those in their customers' lists.
	accepted map[string]bool
	refused  []error
	orders   []client.Order
	// failures are the errors of every try of an order that was not confirmed, by its id.
	failures map[string]string
	// live are the authorized and captured charges of each order.
	live map[string][]Charge
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
		stocked: o.stocked, live: map[string][]Charge{},
		failures: map[string]string{}, upFor: o.broken.Sub(o.begin),
	}
	f.accepted, f.refused = o.arrivals.results()
	if f.orders, err = o.arrivals.listed(ctx); err != nil {
		return f, err
	}
	if f.left, err = o.stock(ctx, o.sku); err != nil {
		return f, err
	}
	f.calls(o)
	var one sync.Mutex
	const atOnce = 8
	err = concurrent.Do(len(f.orders), atOnce, func(i int) error {
		order := f.orders[i]
		charges, err := o.Ledger(ctx, order.OrderID)
		saga, none := o.Saga(ctx, order.OrderID)
		if err := errors.Join(err, none); err != nil {
			return err
		}
		one.Lock()
		defer one.Unlock()
		if order.Final() {
			f.drained = max(f.drained, order.UpdatedAt.Sub(o.mended))
		}
		for _, c := range charges {
			if c.Live() {
				f.live[order.OrderID] = append(f.live[order.OrderID], c)
			}
		}
		for _, step := range saga.Steps {
			f.step(step)
		}
		if order.Status != client.Confirmed {
			f.failures[order.OrderID] = failures(saga.Steps)
		}
		return nil
	})
	return f, err
}

// calls counts the calls before the outage and while the circuit was open.
func (f *facts) calls(o *outage) {
	var spans []span
	spans, f.openings = opened(o.samples)
	if n := len(o.samples); n > 0 {
		f.state = o.samples[n-1].state
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

// failures lists the errors of the attempts of each step.
func failures(steps []timeline.Step) (all string) {
	for _, step := range steps {
		for _, a := range step.Attempts {
			if a.Failure != nil {
				all += " " + step.State + ":" + a.Failure.Error
			}
		}
	}
	return all
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

// reductions returns the fraction by which calls fell while the circuit was open: relative to the
// rate before, and relative to the refused attempts, each of which would have made at least one
// call.
func (f facts) reductions() (againstBefore, againstOpen float64) {
	return 1 - rate(f.sent, f.openFor)/rate(f.before, f.upFor), 1 - float64(f.sent)/float64(f.open)
}

func rate(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

// captured is the sum captured, by the provider's ledger.
func (f facts) captured() (sum money.Money) {
	for _, charges := range f.live {
		for _, c := range charges {
			if c.Captured {
				sum = money.Money{Currency: c.Amount.Currency, Amount: sum.Amount + c.Amount.Amount}
			}
		}
	}
	return sum
}

// broken returns the broken promises.
func (f facts) broken(p Plan) (all []error) {
	unless := func(ok bool, format string, args ...any) {
		if !ok {
			all = append(all, fmt.Errorf(format, args...))
		}
	}
	_, wrongly, unfinished := f.ended()
	unless(len(f.refused) == 0, "%d orders were not accepted: %w", len(f.refused), errors.Join(f.refused...))
	all = append(all, unaccounted(f.accepted, f.orders)...)
	unless(wrongly == 0, "%d orders were not confirmed, although nothing was wrong with them", wrongly)
	unless(unfinished == 0, "%d orders are not final", unfinished)
	unless(f.openings > 0, "the circuit never opened")
	unless(f.state == resilience.Closed, "the circuit is %s at the end", f.state)
	before, against := f.reductions()
	unless(against >= p.Fall, "calls fell by %.0f %% against attempts, not by %.0f %%", 100*against, 100*p.Fall)
	unless(before >= p.FallFromBefore, "calls fell by %.0f %% against before, not by %.0f %%", 100*before,
		100*p.FallFromBefore)
	shipped := 0
	for _, order := range f.orders {
		charges := f.live[order.OrderID]
		if order.Status != client.Confirmed {
			unless(!order.Final(), "order %s is %s (%s), after%s", order.OrderID, order.Status, order.Why(),
				f.failures[order.OrderID])
			unless(len(charges) == 0, "order %s is %s, and the provider has %+v", order.OrderID, order.Status, charges)
			continue
		}
		unless(len(charges) == 1 && charges[0].Captured && charges[0].Amount == order.Total,
			"order %s of %s is confirmed, and the provider has %+v", order.OrderID, order.Total, charges)
		for _, l := range order.Items {
			shipped += l.Quantity
		}
	}
	want := f.stocked
	want.OnHand, want.Available, want.Shipped = want.OnHand-shipped, want.Available-shipped, want.Shipped+shipped
	unless(f.left == want, "stock is %+v, not %+v", f.left, want)
	return all
}

func (f facts) print(w io.Writer) {
	confirmed, wrongly, unfinished := f.ended()
	before, against := f.reductions()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what string, figure any, how string, args ...any) {
		fmt.Fprintf(t, "%s\t%v\t%s\n", what, figure, fmt.Sprintf(how, args...))
	}
	perSecond := func(n int, d time.Duration) string { return fmt.Sprintf("%.2f", rate(n, d)) }
	seconds := devstack.Seconds
	fmt.Fprintln(t)
	row("orders accepted", len(f.accepted), "%d were not", len(f.refused))
	row("  CONFIRMED", confirmed, "")
	row("  wrongly ended", wrongly, "rejected, cancelled or in need of attention")
	row("  lost", len(f.accepted)-len(f.orders)+unfinished, "not in their customer's list, or not final")
	row("calls to the provider per second", "", "")
	row("  before", perSecond(f.before, f.upFor), "%d in %s, counted in front of the provider", f.before,
		seconds(f.upFor))
	row("  attempted while the circuit was open", perSecond(f.open, f.openFor),
		"%d attempts of steps ended in %s; each would have made at least one call", f.open, resilience.ErrOpen.Code)
	row("  sent while the circuit was open", perSecond(f.sent, f.openFor),
		"%d in %s, probes included, counted in front of the provider", f.sent, seconds(f.openFor))
	row("  fall", fmt.Sprintf("%.0f %%", 100*against), "against attempts; %.0f %% against before", 100*before)
	row("circuit", f.state,
		"opened %d times, the first %s after the provider went down, and closed %s after it was back", f.openings,
		seconds(f.openAfter), seconds(f.closedAfter))
	row("most refused attempts of one step", f.most,
		"of 15; longest waits between them: %v (the emulator has no jitter, and its cap is not our 30 s)", f.waits)
	row("backlog", seconds(f.drained), "from the provider's return to the last order's final state")
	row("money", f.captured(), "captured by the provider's ledger, for %d orders", len(f.live))
	row("stock", f.left.OnHand, "on hand of %d, %d reserved, %d more shipped", f.stocked.OnHand, f.left.Reserved,
		f.left.Shipped-f.stocked.Shipped)
	_ = t.Flush()
}

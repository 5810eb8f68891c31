package demo

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
)

// falls returns the fraction by which calls fell while the circuit was open: relative to the rate
// before, and relative to the refused attempts, each of which would have made at least one call.
func (f facts) falls() (againstBefore, againstOpen float64) {
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
	unless(len(f.orders) == f.accepted, "%d orders are lost", f.accepted-len(f.orders))
	unless(wrongly == 0, "%d orders were not confirmed, although nothing was wrong with them", wrongly)
	unless(unfinished == 0, "%d orders are not final", unfinished)
	unless(f.openings > 0, "the circuit never opened")
	unless(f.state == resilience.Closed, "the circuit is %s at the end", f.state)
	before, against := f.falls()
	unless(against >= p.Fall, "calls fell by %.0f %% against attempts, not by %.0f %%", 100*against, 100*p.Fall)
	unless(before >= p.FallFromBefore, "calls fell by %.0f %% against before, not by %.0f %%", 100*before,
		100*p.FallFromBefore)
	shipped := 0
	for _, order := range f.orders {
		charges := f.live[order.OrderID]
		if order.Status != client.Confirmed {
			unless(!order.Final(), "order %s is %s (%s), after%s", order.OrderID, order.Status, order.Why(), f.failures[order.OrderID])
			unless(len(charges) == 0, "order %s is %s, and the provider has %+v", order.OrderID, order.Status, charges)
			continue
		}
		unless(len(charges) == 1 && charges[0].Captured && charges[0].Amount == order.Total,
			"order %s over %s is confirmed, and the provider has %+v", order.OrderID, order.Total, charges)
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
	before, against := f.falls()
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(what, figure, how string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\t%s\n", what, figure, fmt.Sprintf(how, args...))
	}
	count := func(n int) string { return fmt.Sprint(n) }
	persecond := func(n int, d time.Duration) string { return fmt.Sprintf("%.2f", rate(n, d)) }
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
	fmt.Fprintln(t)
	row("orders accepted", count(f.accepted), "%d were not", len(f.refused))
	row("  CONFIRMED", count(confirmed), "")
	row("  wrongly ended", count(wrongly), "rejected, cancelled or in need of attention")
	row("  lost", count(f.accepted-len(f.orders)+unfinished), "not in their customer's list, or not final")
	row("calls to the provider per second", "", "")
	row("  before", persecond(f.before, f.upFor), "%d in %s, counted in front of the provider", f.before,
		seconds(f.upFor))
	row("  attempted while the circuit was open", persecond(f.open, f.openFor),
		"%d attempts of steps ended in %s; each would have made at least one call", f.open, resilience.ErrOpen.Code)
	row("  sent while the circuit was open", persecond(f.sent, f.openFor),
		"%d in %s, probes included, counted in front of the provider", f.sent, seconds(f.openFor))
	row("  fall", fmt.Sprintf("%.0f %%", 100*against), "against attempts; %.0f %% against before", 100*before)
	row("circuit", string(f.state),
		"opened %d times, the first %s after the provider went down, and closed %s after it was back", f.openings,
		seconds(f.openAfter), seconds(f.closedAfter))
	row("most refused attempts of one step", count(f.most), "of 15; longest waits between them: %s", list(f.waits))
	row("backlog", seconds(f.drained), "from the provider's return to the last order's final state")
	row("money", f.captured().String(), "captured by the provider's ledger, for %d orders", len(f.live))
	row("stock", count(f.left.OnHand), "on hand of %d, %d reserved, %d more shipped", f.stocked.OnHand, f.left.Reserved,
		f.left.Shipped-f.stocked.Shipped)
	_ = t.Flush()
}

func list(waits []time.Duration) string {
	var all []string
	for _, w := range waits {
		if w > 0 {
			all = append(all, fmt.Sprintf("%.1f", w.Seconds()))
		}
	}
	return strings.Join(all, ", ") + " s (the emulator has no jitter, and its cap is not our 30 s)"
}

package sim

import (
	"context"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
)

// burst has customers order within a second, with a number of slots per function of the saga and a
// duration of calls, without other faults. It returns how many orders were confirmed.
func burst(t *testing.T, m Mutant, customers, slots int, takes time.Duration) (confirmed int, _ *World) {
	t.Helper()
	d := load(t, m)
	w := newWorld(1, Options{Orders: customers}, d, m)
	w.calm = true
	w.stockUp()
	w.adjust(w.shop.skus[0], customers)
	w.rest(epoch.Add(time.Hour))
	for _, machine := range d.machines {
		for _, s := range machine.States {
			h := w.functions[s.Target]
			if h == nil {
				continue
			}
			w.functions[s.Target] = function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
				w.wait(takes)
				return h.Invoke(ctx, payload)
			})
		}
	}
	w.slots = slots
	item := `{"sku":"` + w.shop.skus[0] + `","quantity":1}`
	for range customers {
		p := &placed{customer: "customer-" + w.ids.New()}
		w.after(w.between(0, time.Second), func() { w.send(p, item, methods[0], postalCodes[0], false) })
	}
	w.rest(w.now.Add(patience))
	for _, id := range w.history.orders() {
		if w.order(id).Status == orders.StatusConfirmed {
			confirmed++
		}
	}
	return confirmed, w
}

func TestBurstThroughFewSlotsLosesNoOrder(t *testing.T) {
	const customers = 400
	confirmed, w := burst(t, Mutant{}, customers, 10, 1200*time.Millisecond)
	if confirmed != customers || len(w.report.Violations) > 0 {
		t.Errorf("%d of %d orders are confirmed; violations: %v", confirmed, customers, w.report.Violations)
	}
	if n := w.report.Paths["a burst found no free slot"]; n < customers {
		t.Errorf("only %d calls found no slot: not a burst", n)
	}
}

func TestBurstLosesOrdersIfThrottlingUsesUpRetries(t *testing.T) {
	const customers = 400
	confirmed, w := burst(t, Mutant{edit: sharedRetries}, customers, 10, 1200*time.Millisecond)
	if confirmed == customers || len(w.report.Violations) == 0 {
		t.Errorf("%d of %d orders are confirmed, %d violations: want some lost",
			confirmed, customers, len(w.report.Violations))
	}
	t.Logf("%d of %d orders are confirmed", confirmed, customers)
}

package sim

import (
	"context"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/function"
)

// planStop makes an operator stop the intake of orders for minutes in a fourth of the worlds, and
// resume it early in half of these.
func (w *World) planStop() {
	c := newChance(w.seed + 4)
	if c.IntN(4) > 0 {
		return
	}
	between := func(least, most time.Duration) time.Duration {
		return least + time.Duration(c.Int64N(int64(most-least)))
	}
	intake := orders.Switch{Store: w.stores.orders, Clock: w}
	at, lasts := between(0, w.options.Duration/2), between(3*time.Minute, 8*time.Minute)
	var stop orders.Intake
	w.functions["stop-intake"] = function.HandlerFunc(func(ctx context.Context, _ []byte) (_ []byte, err error) {
		stop, err = intake.Stop(ctx, w.now.Add(lasts), "a drill", operator)
		return nil, err
	})
	w.functions["resume-intake"] = function.HandlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		return nil, intake.Resume(ctx)
	})
	w.after(at, func() {
		w.invoke("stop-intake", "", nil, func(_ []byte, err error) {
			w.note("", "an operator stops the intake of orders: %v", err)
			if err == nil {
				w.stop = stop
				w.stop.StoppedAt = w.now
			}
		})
	})
	if c.IntN(2) == 0 {
		w.after(at+lasts/2, func() {
			if w.now.Before(w.stop.Until) {
				w.stop.Until = w.now
			}
			w.invoke("resume-intake", "", nil, func([]byte, error) {})
		})
	}
}

// placedWhenTaken checks that an order was not placed while the intake was stopped. A request that
// began before may end after it.
func placedWhenTaken(w *World, o outcome, broken func(format string, args ...any)) {
	if o.CreatedAt.After(w.stop.StoppedAt.Add(timeout)) && o.CreatedAt.Before(w.stop.Until) {
		broken("placed at %s; an operator had stopped the intake at %s, until %s", o.CreatedAt, w.stop.StoppedAt,
			w.stop.Until)
	}
}

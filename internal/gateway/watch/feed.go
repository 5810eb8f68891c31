package watch

import (
	"context"
	"log/slog"
	"math/rand/v2"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// patience is how a feed repeats a read that failed.
var patience = resilience.Policy{Base: 2 * interval, Max: 15 * interval}

// feed reads an order for its watchers.
type feed struct {
	hub      *Hub
	orderID  string
	watchers map[*watcher]bool // under hub.mu
}

// run reads the order until it is final or has no watchers.
func (f *feed) run() {
	failures := 0
	for wait := interval; clock.Sleep(f.hub.ctx, wait) == nil; {
		w := f.reader()
		if w == nil {
			return
		}
		ctx, cancel := context.WithTimeout(f.hub.ctx, gateway.SummaryTimeout)
		order, err := f.hub.orders.Order(ctx, w.as, f.orderID)
		cancel()
		wait = interval
		switch kind := fault.KindOf(err); {
		case err == nil:
			failures = 0
			if f.publish(order); order.Final() {
				return
			}
		case kind == fault.Unauthenticated, kind == fault.Forbidden, kind == fault.NotFound:
			w.refuse(err) // the others may still see the order
		default:
			if failures++; failures == 1 {
				slog.WarnContext(f.hub.ctx, "an order cannot be read for its watchers",
					"orderId", f.orderID, "error", err.Error())
			}
			spread := rand.Float64() //nolint:gosec // no secret
			wait = max(wait, patience.Wait(failures+1, spread, fault.From(err).RetryAfter))
		}
	}
}

// reader returns the watcher whose token is valid for the longest time. Without one, the feed ends.
func (f *feed) reader() (longest *watcher) {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	for w := range f.watchers {
		if len(w.refused) == 0 && (longest == nil || w.expires.After(longest.expires)) {
			longest = w
		}
	}
	if longest == nil { // who joins from now on gets another feed
		delete(f.hub.feeds, f.orderID)
	}
	return longest
}

// publish gives the order to all watchers. A final order ends the feed.
func (f *feed) publish(o gateway.Order) {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	for w := range f.watchers {
		select {
		case <-w.latest: // not taken yet; o has its changes, too
		default:
		}
		w.latest <- o
	}
	if o.Final() {
		delete(f.hub.feeds, f.orderID)
	}
}

// refuse ends a watcher.
func (w *watcher) refuse(err error) {
	select {
	case w.refused <- err:
	default:
	}
}

package watch

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// backoff is how a feed repeats a read that failed.
var backoff = resilience.Policy{Base: 2 * interval, Max: 15 * interval}

// feed reads an order for its watchers.
type feed struct {
	hub      *Hub
	orderID  string
	watchers map[*watcher]bool // under hub.mu
	// next is the watcher for whose turn the feed waits; skip ends the wait. Both are guarded by
	// hub.mu.
	next *watcher
	skip context.CancelFunc
}

// run reads the order until it is final or has no watchers. The first wait is random. Otherwise,
// feeds that began together, as after a restart of the process, would always read together.
func (f *feed) run() {
	failures := 0
	for wait := time.Duration(random() * float64(interval)); clock.Sleep(f.hub.ctx, wait) == nil; {
		w, done := f.reader()
		if w == nil {
			return
		}
		order, err := f.hub.read(f.hub.ctx, w, f.orderID)
		if done(); f.hub.ctx.Err() != nil {
			return
		}
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
			wait = max(wait, backoff.Wait(failures+1, random(), fault.From(err).RetryAfter))
		}
	}
}

func random() float64 { return rand.Float64() } //nolint:gosec // no secret

// reader waits for a turn and returns its watcher; call done after the read. Without watchers, the
// feed ends.
func (f *feed) reader() (w *watcher, done func()) {
	for f.hub.ctx.Err() == nil {
		wait, skip := context.WithCancel(f.hub.ctx)
		w := f.choose(skip)
		if w == nil {
			skip()
			return nil, nil
		}
		done, err := turn(wait, w.share.turns, f.hub.turns)
		skip()
		if err == nil && f.has(w) {
			return w, done
		}
		if err == nil { // it left while it waited
			done()
		}
	}
	return nil, nil
}

// choose returns the best watcher to read as. skip is called if a better one joins while the feed
// waits for the turn.
func (f *feed) choose(skip context.CancelFunc) *watcher {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.next, f.skip = nil, skip
	for w := range f.watchers {
		if len(w.refused) == 0 && (f.next == nil || better(w, f.next)) {
			f.next = w
		}
	}
	if f.next == nil { // watchers that join from now on get another feed
		delete(f.hub.feeds, f.orderID)
	}
	return f.next
}

// better reports whether a should read instead of b: its caller has fewer watches, so its turn
// comes sooner, or its token is valid for longer.
func better(a, b *watcher) bool {
	return cmp.Or(cmp.Compare(a.share.watches, b.share.watches), b.expires.Compare(a.expires)) < 0
}

// has reports whether a watcher has not left.
func (f *feed) has(w *watcher) bool {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	return f.watchers[w]
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

// Package watch follows orders for many watchers. However many watch an order, it is read once a
// second. A watcher loses no change: each read has all changes so far.
package watch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"iter"
	"strings"
	"sync"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

const (
	// interval is the time between two reads of an order.
	interval = time.Second
	// longest is how long a watch lasts if the token does not say when it expires.
	longest = time.Hour
)

var (
	// ErrExpired: the watcher's token has expired.
	ErrExpired = fault.New(fault.Unauthenticated, "TokenExpired",
		"the token has expired; watch again with a new one, after the last version that you received")
	// ErrClosed: the process ends.
	ErrClosed = fault.New(fault.Transient, "ShuttingDown",
		"this server is shutting down; watch again, after the last version that you received")
	// ErrTooMany: there are too many watchers.
	ErrTooMany = fault.New(fault.Limited, "TooManyWatchers",
		"too many orders are being watched; end a watch, or try later")
)

// Orders reads an order as a caller. gateway.Shop implements it.
type Orders interface {
	Order(ctx context.Context, as gateway.Caller, orderID string) (gateway.Order, error)
}

// Limits bound the watches at a time: in all, and those of one caller.
type Limits struct{ All, Caller int }

// DefaultLimits are the limits of one process. A watch takes about 40 KB (measured with 400).
var DefaultLimits = Limits{All: 5000, Caller: 500}

// Hub lets callers watch orders.
type Hub struct {
	orders Orders
	clock  clock.Clock
	limits Limits
	// ctx is the context of the reads that several watchers share; its end closes the hub.
	ctx   context.Context //nolint:containedctx // the reads belong to no request
	close context.CancelFunc

	mu    sync.Mutex
	feeds map[string]*feed // by order
	by    map[string]int   // watches by caller
	all   int
}

// New returns a hub whose shared reads have the values of ctx.
func New(ctx context.Context, orders Orders, c clock.Clock, limits Limits) *Hub {
	h := &Hub{orders: orders, clock: c, limits: limits, feeds: map[string]*feed{}, by: map[string]int{}}
	h.ctx, h.close = context.WithCancel(ctx)
	return h
}

// Close ends all watches with ErrClosed.
func (h *Hub) Close() { h.close() }

// watcher is a caller that may see the order.
type watcher struct {
	as      gateway.Caller
	feed    *feed
	subject string
	expires time.Time
	// latest has the order as last read. It replaces one that the watcher has not yet taken.
	latest chan gateway.Order
	// refused has the reason for which a service refused to show the order any longer.
	refused chan error
}

// Watch calls send with every version of an order after a version, oldest first, and returns nil
// after its final one. The caller's own token is used for a first read, which says whether the
// caller may see the order. Watch ends with ErrExpired when that token expires, with ErrTooMany at
// a limit, with ErrClosed, with ctx's error, or with the error of send or of the first read. A
// later read that fails is repeated.
func (h *Hub) Watch(
	ctx context.Context, as gateway.Caller, orderID string, after int64, send func(gateway.Order) error,
) error {
	read, cancel := context.WithTimeout(ctx, gateway.SummaryTimeout)
	order, err := h.orders.Order(read, as, orderID)
	cancel()
	if err != nil {
		return err
	}
	w := &watcher{as: as, latest: make(chan gateway.Order, 1), refused: make(chan error, 1)}
	w.subject, w.expires = claims(as.Authorization, h.clock.Now().Add(longest))
	if err := h.join(orderID, w); err != nil { //nolint:contextcheck // a feed outlives its first watcher
		return err
	}
	defer h.leave(w)
	expired := time.NewTimer(w.expires.Sub(h.clock.Now()))
	defer expired.Stop()
	for {
		for version := range versions(order, after) {
			if err := send(version); err != nil {
				return err
			}
			after = version.Version
		}
		if order.Final() {
			return nil
		}
		select {
		case order = <-w.latest:
		case err := <-w.refused:
			return err
		case <-expired.C:
			return ErrExpired
		case <-h.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// versions returns the order in each of its versions after a version. Those that were written
// before orders recorded their changes are missing, except the present one.
func versions(o gateway.Order, after int64) iter.Seq[gateway.Order] {
	return func(yield func(gateway.Order) bool) {
		for i, c := range o.Changes {
			then := o
			then.Version, then.Status, then.Reason, then.UpdatedAt = c.Version, c.Status, c.Reason, c.At
			then.Changes = o.Changes[:i+1]
			if c.Version > after {
				if !yield(then) {
					return
				}
				after = c.Version
			}
		}
		if o.Version > after {
			yield(o)
		}
	}
}

// join adds a watcher to the feed of the order, which starts with its first one.
func (h *Hub) join(orderID string, w *watcher) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all >= h.limits.All || h.by[w.subject] >= h.limits.Caller {
		return ErrTooMany
	}
	h.all++
	h.by[w.subject]++
	f := h.feeds[orderID]
	if f == nil {
		f = &feed{hub: h, orderID: orderID, watchers: map[*watcher]bool{}}
		h.feeds[orderID] = f
		go f.run()
	}
	f.watchers[w] = true
	w.feed = f
	return nil
}

// leave removes a watcher. Its feed ends at its next read if nobody else has joined.
func (h *Hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	if h.by[w.subject]--; h.by[w.subject] == 0 {
		delete(h.by, w.subject)
	}
	delete(w.feed.watchers, w)
}

// maxExpiry is the end of the year 9999, in seconds since 1970.
const maxExpiry = 253402300799

// claims reads the subject and the expiry of a token that a service has verified.
func claims(authorization string, otherwise time.Time) (subject string, expires time.Time) {
	var c struct {
		Subject string      `json:"sub"`
		Expires json.Number `json:"exp"` // RFC 7519 allows fractions
	}
	parts := strings.Split(authorization, ".")
	if len(parts) != 3 {
		return "", otherwise
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(b, &c) != nil {
		return "", otherwise
	}
	seconds, err := c.Expires.Float64()
	if err != nil || seconds <= 0 || seconds > maxExpiry {
		return c.Subject, otherwise
	}
	return c.Subject, time.Unix(int64(seconds), 0)
}

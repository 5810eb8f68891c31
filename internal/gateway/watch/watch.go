// Package watch follows orders for many watchers. However many watch an order, it is read once a
// second, or less often if more orders are watched than can be read in a second. A watcher loses no
// change: each read has all changes so far.
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
	"orderflow/internal/platform/resilience"
)

const (
	// interval is the time between two reads of an order.
	interval = time.Second
	// longest is how long a watch lasts if the token does not say when it expires.
	longest = time.Hour
	// patience is how long a watcher waits for the turn of its first read.
	patience = 10 * time.Second

	// turns is the number of concurrent reads, a quarter of the calls that the process may make to
	// a service, so that watches of a slow service leave calls for unary requests. No caller can
	// take them all: callerTurns limits its first reads, and its other reads likewise.
	turns       = 32
	callerTurns = 8
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

// Limits bound the concurrent watches: in total, and of one caller.
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

	turns chan struct{} // one is taken for each read
	// firsts are the turns that all first reads may take together, half of all: unverified tokens
	// must not starve the reads of existing watches.
	firsts chan struct{}

	mu     sync.Mutex
	feeds  map[string]*feed // by order
	shares map[party]*share
	all    int // watches
}

// party is a caller: a subject, or a token that no service has verified yet. Otherwise, a forged
// token could use up the share of the subject that it names.
type party struct{ subject, token string }

// share is a party's use of the hub.
type share struct {
	party   party
	watches int
	turns   chan struct{}
}

// New returns a hub whose shared reads have the values of ctx.
func New(ctx context.Context, orders Orders, c clock.Clock, limits Limits) *Hub {
	h := &Hub{
		orders: orders, clock: c, limits: limits, turns: make(chan struct{}, turns),
		firsts: make(chan struct{}, turns/2),
		feeds:  map[string]*feed{}, shares: map[party]*share{},
	}
	h.ctx, h.close = context.WithCancel(ctx)
	return h
}

// Close ends all watches with ErrClosed.
func (h *Hub) Close() { h.close() }

// watcher is a caller that watches an order.
type watcher struct {
	as      gateway.Caller
	subject string
	expires time.Time
	share   *share // under hub.mu until the first read is done
	feed    *feed  // nil until then
	// latest has the order as last read. It replaces one that the watcher has not yet taken.
	latest chan gateway.Order
	// refused has the reason for which a service refused to show the order any longer.
	refused chan error
}

// Watch calls send with every version of an order after a version, oldest first, and returns nil
// after its final one. The first read uses the caller's own token, which authorizes it. Watch ends
// with ErrExpired when that token expires, with ErrTooMany at a limit, with ErrClosed, with ctx's
// error, or with the error of send or of the first read. A later read that fails is repeated. Watch
// does not interrupt send, whose time must be bounded.
func (h *Hub) Watch(
	ctx context.Context, as gateway.Caller, orderID string, after int64, send func(gateway.Order) error,
) error {
	w := &watcher{as: as, latest: make(chan gateway.Order, 1), refused: make(chan error, 1)}
	w.subject, w.expires = claims(as.Authorization, h.clock.Now().Add(longest))
	ctx, cancel := context.WithTimeoutCause(ctx, w.expires.Sub(h.clock.Now()), ErrExpired)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer context.AfterFunc(h.ctx, func() { end(ErrClosed) })() //nolint:contextcheck // it ends another one
	if err := h.enter(w); err != nil {
		return err
	}
	defer h.leave(w)
	order, err := h.first(ctx, w, orderID)
	if err != nil {
		return err
	}
	if err := h.join(orderID, w); err != nil { //nolint:contextcheck // a feed outlives its first watcher
		return err
	}
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
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// first reads the order as the watcher.
func (h *Hub) first(ctx context.Context, w *watcher, orderID string) (gateway.Order, error) {
	wait, cancel := context.WithTimeoutCause(ctx, patience, resilience.ErrFull)
	defer cancel()
	done, err := turn(wait, w.share.turns, h.firsts, h.turns)
	if err != nil {
		return gateway.Order{}, err
	}
	defer done()
	order, err := h.read(ctx, w, orderID)
	if err != nil && ctx.Err() != nil {
		return order, context.Cause(ctx)
	}
	return order, err
}

// turn waits until every limit allows a read. Call done after it.
func turn(ctx context.Context, rooms ...chan struct{}) (done func(), err error) {
	free := func(taken []chan struct{}) {
		for _, room := range taken {
			<-room
		}
	}
	for i, room := range rooms {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			free(rooms[:i])
			return nil, context.Cause(ctx)
		}
	}
	return func() { free(rooms) }, nil
}

func (h *Hub) read(ctx context.Context, w *watcher, orderID string) (gateway.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, gateway.SummaryTimeout)
	defer cancel()
	return h.orders.Order(ctx, w.as, orderID)
}

// versions returns the order in each of its versions after a version. Those that were written
// before orders recorded their changes are missing, except the current one.
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

// enter takes a place for a watcher whose token is not verified.
func (h *Hub) enter(w *watcher) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if full := h.shares[party{subject: w.subject}]; h.all >= h.limits.All ||
		full != nil && full.watches >= h.limits.Caller {
		return ErrTooMany
	}
	if err := h.charge(w, party{token: w.as.Authorization}); err != nil {
		return err
	}
	h.all++
	return nil
}

// charge moves a watcher to the share of a party.
func (h *Hub) charge(w *watcher, p party) error {
	s := h.shares[p]
	if s == nil {
		s = &share{party: p, turns: make(chan struct{}, callerTurns)}
	}
	if s.watches >= h.limits.Caller {
		return ErrTooMany
	}
	h.discharge(w)
	s.watches++
	h.shares[p], w.share = s, s
	return nil
}

func (h *Hub) discharge(w *watcher) {
	if w.share == nil {
		return
	}
	if w.share.watches--; w.share.watches == 0 {
		delete(h.shares, w.share.party)
	}
}

// join adds a watcher to the feed of the order, which starts with its first one.
func (h *Hub) join(orderID string, w *watcher) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.charge(w, party{subject: w.subject}); err != nil {
		return err
	}
	f := h.feeds[orderID]
	if f == nil {
		f = &feed{hub: h, orderID: orderID, watchers: map[*watcher]bool{}}
		h.feeds[orderID] = f
		go f.run()
	}
	f.watchers[w] = true
	w.feed = f
	if f.next != nil && better(w, f.next) {
		f.skip()
	}
	return nil
}

// leave removes a watcher. Its feed ends at its next read if nobody else has joined.
func (h *Hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all--
	h.discharge(w)
	if w.feed != nil {
		delete(w.feed.watchers, w)
	}
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

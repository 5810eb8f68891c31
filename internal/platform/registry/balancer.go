package registry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
)

// An endpoint that fails Failures times in a row is ejected for Ejection, then for twice as long
// each time, up to MaxEjection. Once it has been back for MaxEjection, it starts over.
const (
	Failures    = 3
	Ejection    = 10 * time.Second
	MaxEjection = 5 * time.Minute
)

// Balancer spreads calls over the endpoints of services and avoids those that fail. It picks two at
// random and takes the one with fewer calls in progress. A Lambda process makes its calls in
// sequence, so the choice is random there and only ejection matters; a process that serves many
// requests at once needs both. It is safe for concurrent use.
type Balancer struct {
	cache *Cache
	clock clock.Clock
	intN  func(n int) int

	mu    sync.Mutex
	pools map[string][]*endpoint
}

// endpoint is one base URL of a service, with its recent outcomes.
type endpoint struct {
	url         string
	outstanding int       // calls in progress
	failures    int       // in a row
	ejections   int       // in a row, as far as the next one's length depends on them
	until       time.Time // when an ejected one is tried
	back        time.Time // when it last came back
	era         int       // counts ejections: outcomes of calls from before the latest one are ignored
}

func (e *endpoint) ejected() bool { return e.failures >= Failures }

// NewBalancer returns a balancer over the addresses in c. intN returns a random number from 0 to
// n-1, as rand.IntN does; it is not called concurrently.
func NewBalancer(c *Cache, now clock.Clock, intN func(n int) int) *Balancer {
	return &Balancer{cache: c, clock: now, intN: intN, pools: map[string][]*endpoint{}}
}

// Pick returns the base URL for one call to the service called name. Call done when that call has
// ended, once: failed means that the endpoint did not do its work, not that it refused. Ejected
// endpoints are not picked while others are left. When an ejection has ended, one call tries the
// endpoint. If all are ejected, the one that would be tried next is tried now.
func (b *Balancer) Pick(ctx context.Context, name string) (base string, done func(failed bool), err error) {
	urls, err := b.cache.Resolve(ctx, name)
	if err != nil {
		return "", nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.choose(b.pool(name, urls))
	e.outstanding++
	era, ended := e.era, false
	return e.url, func(failed bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if ended {
			return
		}
		ended = true
		e.outstanding--
		if era == e.era {
			b.judge(name, e, failed)
		}
	}, nil
}

// pool returns the endpoints at urls. Known ones keep their state.
func (b *Balancer) pool(name string, urls []string) []*endpoint {
	known := b.pools[name]
	pool := make([]*endpoint, len(urls))
	for i, url := range urls {
		pool[i] = &endpoint{url: url}
		if at := slices.IndexFunc(known, func(e *endpoint) bool { return e.url == url }); at >= 0 {
			pool[i] = known[at]
		}
	}
	b.pools[name] = pool
	return pool
}

func (b *Balancer) choose(pool []*endpoint) *endpoint {
	var up []*endpoint
	var next *endpoint // of the ejected
	for _, e := range pool {
		if !e.ejected() {
			up = append(up, e)
		} else if next == nil || e.until.Before(next.until) {
			next = e
		}
	}
	now := b.clock.Now()
	if next != nil && (len(up) == 0 || !now.Before(next.until)) {
		// Count the trial as failed for now, so that one whose outcome is never reported blocks
		// nothing.
		next.until = now.Add(span(next.ejections))
		return next
	}
	i := b.intN(len(up))
	j := (i + 1 + b.intN(max(1, len(up)-1))) % len(up)
	if up[j].outstanding < up[i].outstanding {
		return up[j]
	}
	return up[i]
}

// judge records the outcome of a call to e.
func (b *Balancer) judge(name string, e *endpoint, failed bool) {
	now := b.clock.Now()
	if !failed {
		if e.ejected() {
			e.back = now
		}
		e.failures = 0
		return
	}
	if !e.ejected() && now.Sub(e.back) >= MaxEjection {
		e.ejections = 0
	}
	if e.failures++; e.ejected() {
		e.ejections++
		e.until = now.Add(span(e.ejections))
		e.era++
		if len(b.pools[name]) > 1 {
			slog.Warn("endpoint ejected", "service", name, "endpoint", e.url, "seconds", span(e.ejections).Seconds())
		}
	}
	if !slices.ContainsFunc(b.pools[name], func(e *endpoint) bool { return e.failures == 0 }) {
		b.cache.Refresh(name) // they may have moved
	}
}

// span is how long the nth ejection lasts.
func span(n int) time.Duration { return min(Ejection<<min(n-1, 10), MaxEjection) }

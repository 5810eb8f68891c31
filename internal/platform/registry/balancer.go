package registry

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
)

// An endpoint that fails Failures times in a row is ejected for Ejection, twice as long each time
// that follows, up to MaxEjection. One that did well for MaxEjection starts anew.
const (
	Failures    = 3
	Ejection    = 10 * time.Second
	MaxEjection = 5 * time.Minute
)

// Rand is a source of randomness, such as *math/rand/v2.Rand.
type Rand interface {
	// IntN returns a number from 0 to n-1.
	IntN(n int) int
}

// Balancer spreads calls over the endpoints of services: of two picked at random, to the one with fewer
// calls under way. It is safe for concurrent use.
type Balancer struct {
	cache *Cache
	clock clock.Clock

	mu    sync.Mutex
	rand  Rand
	pools map[string][]*endpoint
}

// endpoint is one base URL of a service and how it fares.
type endpoint struct {
	url         string
	outstanding int // calls under way
	failures    int // in a row

	ejected   bool
	until     time.Time // when an ejected one is tried
	ejections int       // how often it was ejected lately
	back      time.Time // when it last came back
	era       int       // counts ejections and returns: what a call of an earlier one met says nothing
}

// NewBalancer returns a balancer over what c knows.
func NewBalancer(c *Cache, now clock.Clock, r Rand) *Balancer {
	return &Balancer{cache: c, clock: now, rand: r, pools: map[string][]*endpoint{}}
}

// Pick returns the base URL for one call to the service called name. Call done when that call has
// ended, once: failed means that the endpoint did not do its work, not that it refused.
// Ejected endpoints are not picked while others are left. When an ejection has ended, one call tries whether
// the endpoint is well. Where all are ejected, the one that would be tried next is tried now.
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

// pool returns the endpoints of name, with what is known of those that were there before.
func (b *Balancer) pool(name string, urls []string) []*endpoint {
	known := b.pools[name]
	if slices.EqualFunc(known, urls, func(e *endpoint, url string) bool { return e.url == url }) {
		return known
	}
	pool := make([]*endpoint, len(urls))
	for i, url := range urls {
		if at := slices.IndexFunc(known, func(e *endpoint) bool { return e.url == url }); at >= 0 {
			pool[i] = known[at]
		} else {
			pool[i] = &endpoint{url: url}
		}
	}
	b.pools[name] = pool
	return pool
}

func (b *Balancer) choose(pool []*endpoint) *endpoint {
	var up []*endpoint
	var next *endpoint // of the ejected
	for _, e := range pool {
		if !e.ejected {
			up = append(up, e)
		} else if next == nil || e.until.Before(next.until) {
			next = e
		}
	}
	now := b.clock.Now()
	if next != nil && (len(up) == 0 || !now.Before(next.until)) {
		// As if it had failed already, so that a trial which is never heard of again blocks nothing.
		next.until = now.Add(span(next.ejections))
		return next
	}
	if len(up) == 1 {
		return up[0]
	}
	i, j := b.rand.IntN(len(up)), b.rand.IntN(len(up)-1)
	if j >= i {
		j++
	}
	if up[j].outstanding < up[i].outstanding {
		return up[j]
	}
	return up[i]
}

// judge takes note of how a call to e went.
func (b *Balancer) judge(name string, e *endpoint, failed bool) {
	now := b.clock.Now()
	switch {
	case failed && (e.ejected || e.failures+1 >= Failures):
		if !e.ejected && now.Sub(e.back) >= MaxEjection {
			e.ejections = 0
		}
		e.failures++
		e.ejections++
		e.ejected, e.until = true, now.Add(span(e.ejections))
		e.era++
		if len(b.pools[name]) > 1 {
			slog.Warn("endpoint ejected", "service", name, "endpoint", e.url, "seconds", span(e.ejections).Seconds())
		}
	case failed:
		e.failures++
	case e.ejected:
		e.ejected, e.failures, e.back = false, 0, now
		e.era++
	default:
		e.failures = 0
	}
	if failed && !slices.ContainsFunc(b.pools[name], func(e *endpoint) bool { return e.failures == 0 }) {
		b.cache.Refresh(name) // they may have moved
	}
}

// span is how long the nth ejection lasts.
func span(n int) time.Duration {
	d := Ejection
	for ; n > 1 && d < MaxEjection; n-- {
		d *= 2
	}
	return min(d, MaxEjection)
}

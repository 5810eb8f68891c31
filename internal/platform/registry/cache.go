package registry

import (
	"context"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
)

const (
	// TTL is how long addresses are kept before they are resolved again.
	TTL = time.Minute
	// Retry is how long old addresses are used after a failed lookup, and the minimum time between
	// two lookups for a service that fails.
	Retry = 5 * time.Second

	// lookup bounds one lookup; pause is how long its error is cached if there are no addresses
	// yet.
	lookup = time.Second
	pause  = time.Second
)

// Cache keeps the answers of a registry. It is safe for concurrent use: callers that need the same
// name at the same time share one lookup.
type Cache struct {
	source Registry
	clock  clock.Clock

	mu    sync.Mutex
	known map[string]*entry
}

// entry has the addresses of a name, or the error if there never were any.
type entry struct {
	urls  []string
	err   error
	until time.Time     // when to look up again
	asked time.Time     // when the last lookup began
	busy  chan struct{} // closed at the end of the lookup in progress; nil if there is none
}

// NewCache returns a cache of source.
func NewCache(source Registry, c clock.Clock) *Cache {
	return &Cache{source: source, clock: c, known: map[string]*entry{}}
}

// Resolve returns the cached addresses, or looks them up. Old addresses are better than none: they
// are used during another caller's lookup and after a failed one.
func (c *Cache) Resolve(ctx context.Context, name string) ([]string, error) {
	for {
		known, ended := c.lookup(name)
		switch {
		case known.urls != nil || known.err != nil:
			return known.urls, known.err
		case ended == nil:
			return c.refresh(ctx, name)
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, unknown(name).Because(ctx.Err())
		}
	}
}

// lookup returns what is known of name, if that is still valid. If not, and ended is nil, the
// caller must look it up; else another caller does, until ended is closed.
func (c *Cache) lookup(name string) (known entry, ended chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[name]
	if e == nil {
		e = &entry{}
		c.known[name] = e
	}
	switch fresh := c.clock.Now().Before(e.until); {
	case fresh, e.busy != nil && e.urls != nil:
		return *e, nil
	case e.busy != nil:
		return entry{}, e.busy
	}
	e.busy, e.asked = make(chan struct{}), c.clock.Now()
	return entry{}, nil
}

func (c *Cache) refresh(ctx context.Context, name string) ([]string, error) {
	bounded, cancel := deadline.Shared(ctx, lookup)
	defer cancel()
	urls, err := c.source.Resolve(bounded, name)

	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[name]
	close(e.busy)
	e.busy = nil
	now := c.clock.Now()
	switch {
	case err == nil:
		e.urls, e.err, e.until = urls, nil, now.Add(TTL)
	case e.urls != nil:
		e.until = now.Add(Retry)
	case deadline.Interrupted(bounded):
		return nil, err // says nothing about the registry: each waiting caller looks it up itself
	default:
		e.err, e.until = err, now.Add(pause)
	}
	return e.urls, e.err
}

// Refresh expires the addresses of name, unless they were looked up less than Retry ago. It is for
// calls that fail at all of them.
func (c *Cache) Refresh(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if e := c.known[name]; e != nil && e.urls != nil && now.Sub(e.asked) >= Retry {
		e.until = now
	}
}

package registry

import (
	"context"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
)

const (
	// TTL is how long addresses are kept before they are asked for again.
	TTL = time.Minute
	// Retry is how long old addresses serve after a question that failed, and the least time between
	// two questions about a service that fails.
	Retry = 5 * time.Second

	// lookup bounds one question, pause how long an error stands in for an answer where there was none yet.
	lookup = time.Second
	pause  = time.Second
)

// Cache keeps what a registry says. It is safe for concurrent use; however many ask for a name
// at once, the registry is asked once.
type Cache struct {
	source Registry
	clock  clock.Clock

	mu    sync.Mutex
	known map[string]*entry
}

// entry is what is known of a name: addresses, or the error where there never were any.
type entry struct {
	urls  []string
	err   error
	until time.Time     // when to ask again
	asked time.Time     // when it was last asked
	busy  chan struct{} // closed when the question under way has ended; nil where none is
}

// NewCache returns a cache before source.
func NewCache(source Registry, c clock.Clock) *Cache {
	return &Cache{source: source, clock: c, known: map[string]*entry{}}
}

// Resolve returns the addresses kept, or asks for them. Old ones are better than none: they are used
// while somebody else is asking, and when asking fails.
func (c *Cache) Resolve(ctx context.Context, name string) ([]string, error) {
	for {
		known, ended := c.look(name)
		switch {
		case known.urls != nil || known.err != nil:
			return known.urls, known.err
		case ended == nil:
			return c.ask(ctx, name)
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, unknown(name).Because(ctx.Err())
		}
	}
}

// look returns what is known of name. Where that will not do, it returns nothing: the question is the
// caller's then, or somebody else's until ended is closed.
func (c *Cache) look(name string) (known entry, ended chan struct{}) {
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

func (c *Cache) ask(ctx context.Context, name string) ([]string, error) {
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
		return nil, err // says nothing about the registry: who waits asks for himself
	default:
		e.err, e.until = err, now.Add(pause)
	}
	return e.urls, e.err
}

// Refresh has the addresses of name asked for again when they are next needed, unless that was
// done less than Retry ago. It is for when calls to all of them fail.
func (c *Cache) Refresh(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	if e := c.known[name]; e != nil && e.urls != nil && now.Sub(e.asked) >= Retry {
		e.until = now
	}
}

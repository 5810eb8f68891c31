// Package clock makes time injectable for tests and the simulation.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock returns the time in UTC.
type Clock interface{ Now() time.Time }

// System is the system clock.
type System struct{}

// Now returns the current time in UTC.
func (System) Now() time.Time { return time.Now().UTC() }

// Sleep waits for d by the system clock. If ctx ends first, it returns ctx's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Manual is a clock that only Advance moves. It is safe for concurrent use.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// At returns a manual clock set to t.
func At(t time.Time) *Manual { return &Manual{now: t.UTC()} }

// Now returns the clock's time.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// Advance moves the clock forward by d.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

package clock

import (
	"sync"
	"time"
)

// Skipping is the system's clock plus the skipped time. It also plans calls; a call whose time is
// skipped is made at once. It is safe for concurrent use.
type Skipping struct {
	mu    sync.Mutex
	ahead time.Duration
	plans map[*plan]struct{}
}

// plan is a planned call.
type plan struct {
	due   time.Time
	timer *time.Timer
}

// Now returns the current time in UTC.
func (s *Skipping) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

func (s *Skipping) now() time.Time { return time.Now().UTC().Add(s.ahead) }

// After calls do after d, unless stop was called before.
func (s *Skipping) After(d time.Duration, do func()) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &plan{due: s.now().Add(d)}
	end := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		p.timer.Stop()
		delete(s.plans, p)
	}
	p.timer = time.AfterFunc(d, func() {
		end()
		do()
	})
	if s.plans == nil {
		s.plans = map[*plan]struct{}{}
	}
	s.plans[p] = struct{}{}
	return end
}

// Skip moves the clock forward by d.
func (s *Skipping) Skip(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	now := s.now()
	for p := range s.plans {
		if p.timer.Stop() { // otherwise it is running
			p.timer.Reset(p.due.Sub(now))
		}
	}
}

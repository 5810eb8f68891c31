package strangler

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/deadline"
)

const (
	// tableTTL is how long a table is cached, and so how long after a change processes still
	// differ.
	tableTTL = 15 * time.Second
	// readTimeout bounds a read of the table.
	readTimeout = time.Second
)

// ErrNoTable means that there is no table yet, as on a new stage. The old shop serves everything.
var ErrNoTable = errors.New("there is no table of routes")

// Source implements Routes with the text of a parameter.
type Source struct {
	read    func(context.Context) (string, error)
	clock   clock.Clock
	monitor Monitor
	ttl     time.Duration

	mu    sync.Mutex
	table Table
	known bool // a valid table was read
	until time.Time
}

// NewSource returns the table that read returns. Until it has returned a valid one, the old shop
// serves everything. If it never did, ErrNoTable is not a fault.
func NewSource(read func(context.Context) (string, error), c clock.Clock, m Monitor) *Source {
	return &Source{read: read, clock: c, monitor: m, ttl: tableTTL, table: AllLegacy()}
}

// Uncached disables the cache, for sources that cost nothing to read.
func (s *Source) Uncached() *Source {
	s.ttl = 0
	return s
}

// Current implements Routes.
func (s *Source) Current(ctx context.Context) Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clock.Now().Before(s.until) {
		return s.table
	}
	bounded, cancel := deadline.Shared(ctx, readTimeout)
	defer cancel()
	text, err := s.read(bounded)
	if err != nil && deadline.Interrupted(bounded) {
		return s.table // the invocation has ended, which says nothing about the parameter
	}
	s.until = s.clock.Now().Add(s.ttl)
	var t Table
	if err == nil {
		t, err = Parse([]byte(text))
	}
	switch {
	case errors.Is(err, ErrNoTable) && !s.known:
		return s.table
	case err != nil:
		s.monitor.BadTable(ctx)
		slog.ErrorContext(ctx, "the table of routes is bad; the last good one stays", "version", s.table.Version,
			"error", err.Error())
		return s.table
	}
	s.table, s.known = t, true
	return t
}

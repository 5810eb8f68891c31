package strangler

import (
	"context"
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

// Source implements Routes with the text of a parameter.
type Source struct {
	read    func(context.Context) (string, error)
	clock   clock.Clock
	monitor Monitor

	mu    sync.Mutex
	table Table
	until time.Time
}

// NewSource returns the table that read returns. Until it has returned a valid one, the old shop
// serves everything.
func NewSource(read func(context.Context) (string, error), c clock.Clock, m Monitor) *Source {
	return &Source{read: read, clock: c, monitor: m, table: AllLegacy()}
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
	s.until = s.clock.Now().Add(tableTTL)
	var t Table
	if err == nil {
		t, err = Parse([]byte(text))
	}
	if err != nil {
		s.monitor.BadTable(ctx)
		slog.ErrorContext(ctx, "the table of routes is bad; the last good one stays", "version", s.table.Version,
			"error", err.Error())
		return s.table
	}
	s.table = t
	return t
}

// Package records keeps what is written once and read as a list: operators' actions, and mails that
// are not sent.
package records

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// Record is an entry of a list.
type Record struct {
	Timestamp int64  `json:"timestamp"` // in milliseconds
	Message   string `json:"message"`
}

// Most is how many records of a list are read; older ones may be forgotten.
const Most = 5_000

// Store keeps lists of records.
type Store interface {
	// Append adds records to a list. A lasting store keeps them at least for the given time.
	Append(ctx context.Context, list string, keep time.Duration, records ...Record) error
	// Latest returns the latest records of a list, up to Most, by their times, oldest first.
	Latest(ctx context.Context, list string) ([]Record, error)
}

// Memory is a store in memory, which forgets older records. It is safe for concurrent use.
type Memory struct {
	mu    sync.Mutex
	lists map[string][]Record
}

// Append adds records to a list; see Store.
func (m *Memory) Append(_ context.Context, list string, _ time.Duration, records ...Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lists == nil {
		m.lists = map[string][]Record{}
	}
	all := append(m.lists[list], records...)
	if len(all) > 2*Most {
		all = slices.Clone(all[len(all)-Most:])
	}
	m.lists[list] = all
	return nil
}

// Latest returns the latest records of a list; see Store.
func (m *Memory) Latest(_ context.Context, list string) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.lists[list]
	all = slices.Clone(all[max(0, len(all)-Most):])
	slices.SortStableFunc(all, func(a, b Record) int { return cmp.Compare(a.Timestamp, b.Timestamp) })
	return all, nil
}

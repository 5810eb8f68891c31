// Package memory has payments' in-memory store.
package memory

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

// Store implements payments.Store.
type Store struct {
	*memdb.Store[payments.Payment]
	outcomes memdb.Versioned[payments.Outcome]
	bookmark *memdb.Items[string]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	kept := memdb.NewStore[payments.Payment](c, "payment", payments.ErrNoPayment)
	return &Store{
		kept, memdb.NewVersioned[payments.Outcome](kept.Log, "outcome", nil, nil),
		memdb.NewItems[string](kept.Log, "bookmark", nil),
	}
}

// Outcome returns how an order ended.
func (s *Store) Outcome(_ context.Context, orderID string) (payments.Outcome, error) {
	return s.outcomes.Get(orderID)
}

// SaveOutcome writes how an order ended.
func (s *Store) SaveOutcome(_ context.Context, o payments.Outcome, before int64, with commit.With) error {
	return s.outcomes.SaveOver(o, before, with)
}

// Bookmark returns the last saved cursor.
func (s *Store) Bookmark(context.Context) (cursor string, err error) {
	s.View(func() { cursor = s.bookmark.Get("") })
	return cursor, nil
}

// SaveBookmark saves a cursor.
func (s *Store) SaveBookmark(_ context.Context, cursor string) error {
	return s.Commit(commit.With{}, func() error {
		s.bookmark.Save("", cursor)
		return nil
	})
}

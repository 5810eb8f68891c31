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
	*memdb.Log
	payments memdb.Versioned[payments.Payment]
	outcomes memdb.Versioned[payments.Outcome]
	bookmark *memdb.Items[string]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, payments: memdb.NewVersioned[payments.Payment](log, "payment", payments.ErrNoPayment, nil),
		outcomes: memdb.NewVersioned[payments.Outcome](log, "outcome", nil, nil),
		bookmark: memdb.NewItems[string](log, "bookmark", nil),
	}
}

// Payment returns an order's payment.
func (s *Store) Payment(_ context.Context, orderID string) (payments.Payment, error) {
	return s.payments.Get(orderID)
}

// Save writes a payment's next version.
func (s *Store) Save(_ context.Context, p payments.Payment, with commit.With) error {
	return s.payments.Save(p, with)
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

// Payments returns payments.
func (s *Store) Payments(_ context.Context, orderIDs []string) ([]payments.Payment, error) {
	return s.payments.GetMany(orderIDs)
}

// Package memory is payments' store in memory, and a payment provider in memory.
package memory

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

// Store implements payments.Store.
type Store struct {
	*memdb.Log
	payments *memdb.Items[payments.Payment]
	outcomes *memdb.Items[payments.Outcome]
	bookmark *memdb.Items[string]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, payments: memdb.NewItems[payments.Payment](log, "payment", nil),
		outcomes: memdb.NewItems[payments.Outcome](log, "outcome", nil), bookmark: memdb.NewItems[string](log, "bookmark", nil),
	}
}

// Payment returns an order's payment.
func (s *Store) Payment(_ context.Context, orderID string) (p payments.Payment, err error) {
	s.View(func() {
		var ok bool
		if p, ok = s.payments.Find(orderID); !ok {
			err = payments.ErrNoPayment
		}
	})
	return p, err
}

// Save writes a payment's next version.
func (s *Store) Save(_ context.Context, p payments.Payment, with commit.With) error {
	return s.Commit(with, func() error {
		if s.payments.Get(p.OrderID).Version != p.Version-1 {
			return fault.ErrLostRace
		}
		s.payments.Save(p.OrderID, p)
		return nil
	})
}

// Outcome returns how an order ended.
func (s *Store) Outcome(_ context.Context, orderID string) (o payments.Outcome, err error) {
	s.View(func() { o = s.outcomes.Get(orderID) })
	return o, nil
}

// SaveOutcome writes how an order ended.
func (s *Store) SaveOutcome(_ context.Context, o payments.Outcome, before int64, with commit.With) error {
	return s.Commit(with, func() error {
		if s.outcomes.Get(o.OrderID).Version != before {
			return fault.ErrLostRace
		}
		s.outcomes.Save(o.OrderID, o)
		return nil
	})
}

// Bookmark returns the cursor that was saved last.
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

// Record writes what comes with a change.
func (s *Store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}

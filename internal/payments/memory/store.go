// Package memory is payments' store in memory, and a payment provider in memory.
package memory

import (
	"context"

	"orderflow/internal/payments"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memory"
)

// Store implements payments.Store.
type Store struct {
	*memory.Log
	payments map[string]payments.Payment
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	return &Store{Log: memory.NewLog(c), payments: map[string]payments.Payment{}}
}

// Payment returns an order's payment.
func (s *Store) Payment(_ context.Context, orderID string) (p payments.Payment, err error) {
	s.View(func() {
		var ok bool
		if p, ok = s.payments[orderID]; !ok {
			err = payments.ErrNoPayment
		}
	})
	return p, err
}

// Save writes a payment's next version.
func (s *Store) Save(_ context.Context, p payments.Payment, with commit.With) error {
	return s.Commit(with, func() error {
		if s.payments[p.OrderID].Version != p.Version-1 {
			return fault.ErrLostRace
		}
		s.payments[p.OrderID] = p
		return nil
	})
}

// Record writes what comes with a change.
func (s *Store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}

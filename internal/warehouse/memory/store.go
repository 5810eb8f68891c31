// Package memory is warehouse's store in memory.
package memory

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/warehouse"
)

// Store implements warehouse.Store.
type Store struct {
	*memdb.Log
	orders    memdb.Versioned[warehouse.Order]
	movements memdb.Versioned[warehouse.Movement]
	parked    *memdb.Items[warehouse.Parked]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, orders: memdb.NewVersioned(log, "order", nil, committedOnce),
		movements: memdb.NewVersioned[warehouse.Movement](log, "movement", warehouse.ErrNoMovement, nil),
		parked:    memdb.NewItems[warehouse.Parked](log, "parked", nil),
	}
}

// committedOnce keeps the lines that were committed first.
func committedOnce(stored warehouse.Order, next *warehouse.Order) {
	if len(stored.Lines) > 0 {
		next.Lines = stored.Lines
	}
}

// Order returns what is known of an order.
func (s *Store) Order(_ context.Context, orderID string) (warehouse.Order, error) {
	return s.orders.Get(orderID)
}

// SaveOrder writes an order's next version.
func (s *Store) SaveOrder(_ context.Context, o warehouse.Order, with commit.With) error {
	return s.orders.Save(o, with)
}

// Movement returns a movement.
func (s *Store) Movement(_ context.Context, messageID string) (warehouse.Movement, error) {
	return s.movements.Get(messageID)
}

// SaveMovement writes a movement's next version.
func (s *Store) SaveMovement(_ context.Context, m warehouse.Movement, with commit.With) error {
	return s.movements.Save(m, with)
}

// Parked returns the parked messages.
func (s *Store) Parked(context.Context) (found []warehouse.Parked, err error) {
	s.View(func() {
		for _, id := range s.parked.Keys() {
			found = append(found, s.parked.Get(id))
		}
	})
	return found, nil
}

// Park keeps a message.
func (s *Store) Park(_ context.Context, p warehouse.Parked) error {
	return s.Commit(commit.With{}, func() error {
		if _, known := s.parked.Find(p.ID); !known {
			s.parked.Save(p.ID, p)
		}
		return nil
	})
}

// Package memory is inventory's store in memory.
package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memory"
)

// Store implements inventory.Store.
type Store struct {
	*memory.Log
	stock        map[string]map[inventory.Bucket]int
	reservations map[string]inventory.Reservation
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	return &Store{
		Log:          memory.NewLog(c),
		stock:        map[string]map[inventory.Bucket]int{},
		reservations: map[string]inventory.Reservation{},
	}
}

// Stock returns the stock of a product.
func (s *Store) Stock(_ context.Context, sku string) (stock inventory.Stock, err error) {
	s.View(func() {
		b, ok := s.stock[sku]
		if !ok {
			err = inventory.ErrNoStock
			return
		}
		stock = inventory.Stock{SKU: sku, OnHand: b[inventory.OnHand], Reserved: b[inventory.Reserved], Shipped: b[inventory.Shipped]}
	})
	return stock, err
}

// Reservation returns an order's reservation.
func (s *Store) Reservation(_ context.Context, orderID string) (r inventory.Reservation, err error) {
	s.View(func() {
		var ok bool
		if r, ok = s.reservations[orderID]; !ok {
			err = inventory.ErrNoReservation
		}
	})
	return r, err
}

// Move moves the reservation's lines between two buckets.
func (s *Store) Move(_ context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	return s.Commit(with, func() error {
		if s.reservations[r.OrderID].Version != r.Version-1 {
			return fault.ErrLostRace
		}
		for _, l := range r.Items {
			if s.stock[l.SKU][from] < l.Quantity {
				return inventory.ErrOutOfStock
			}
		}
		for _, l := range r.Items {
			s.stock[l.SKU][from] -= l.Quantity
			s.stock[l.SKU][to] += l.Quantity
		}
		s.reservations[r.OrderID] = r
		return nil
	})
}

// Overdue returns reservations that are held since before a time.
func (s *Store) Overdue(_ context.Context, before time.Time) (overdue []inventory.Reservation, err error) {
	s.View(func() {
		for _, r := range s.reservations {
			if r.Status == inventory.StatusReserved && r.UpdatedAt.Before(before) {
				overdue = append(overdue, r)
			}
		}
	})
	slices.SortFunc(overdue, func(a, b inventory.Reservation) int { return cmp.Compare(a.OrderID, b.OrderID) })
	return overdue, nil
}

// Adjust changes what is on hand.
func (s *Store) Adjust(_ context.Context, before inventory.Stock, delta int, with commit.With) error {
	return s.Commit(with, func() error {
		b := s.stock[before.SKU]
		if b[inventory.OnHand] != before.OnHand || b[inventory.Reserved] != before.Reserved || b[inventory.Shipped] != before.Shipped {
			return fault.ErrLostRace
		}
		if b == nil {
			b = map[inventory.Bucket]int{}
			s.stock[before.SKU] = b
		}
		b[inventory.OnHand] += delta
		return nil
	})
}

// Record writes what comes with a change.
func (s *Store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}

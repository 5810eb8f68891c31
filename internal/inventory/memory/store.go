// Package memory is inventory's store in memory.
package memory

import (
	"context"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

// Store implements inventory.Store.
type Store struct {
	*memdb.Log
	stock        *memdb.Items[inventory.Stock]
	reservations memdb.Versioned[inventory.Reservation]
	products     *memdb.Items[string]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, stock: memdb.NewItems[inventory.Stock](log, "stock", nil),
		reservations: memdb.NewVersioned(log, "reservation", inventory.ErrNoReservation, reservedOnce),
		products:     memdb.NewItems[string](log, "product", nil),
	}
}

// reservedOnce keeps the lines that were reserved first.
func reservedOnce(stored inventory.Reservation, next *inventory.Reservation) {
	next.Items = stored.Items
}

// Stock returns the stock of a product.
func (s *Store) Stock(_ context.Context, sku string) (stock inventory.Stock, err error) {
	s.View(func() {
		var ok bool
		if stock, ok = s.stock.Find(sku); !ok {
			err = inventory.ErrNoStock
		}
	})
	return stock, err
}

// Product reports whether LearnProduct was called.
func (s *Store) Product(_ context.Context, sku string) (known bool, err error) {
	s.View(func() { _, known = s.products.Find(sku) })
	return known, nil
}

// LearnProduct records a product.
func (s *Store) LearnProduct(_ context.Context, sku string) error {
	return s.Commit(commit.With{}, func() error {
		s.products.Save(sku, sku)
		return nil
	})
}

// Reservation returns an order's reservation.
func (s *Store) Reservation(_ context.Context, orderID string) (inventory.Reservation, error) {
	return s.reservations.Get(orderID)
}

// Move moves the reservation's lines between two buckets.
func (s *Store) Move(_ context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	return s.Commit(with, func() error {
		if err := s.reservations.Check(r); err != nil {
			return err
		}
		for _, l := range r.Items {
			if stock := s.stock.Get(l.SKU); *bucket(&stock, from) < l.Quantity {
				return inventory.ErrOutOfStock
			}
		}
		for _, l := range r.Items {
			stock := s.stock.Get(l.SKU)
			*bucket(&stock, from) -= l.Quantity
			*bucket(&stock, to) += l.Quantity
			s.stock.Save(l.SKU, stock)
		}
		return s.reservations.Next(r)
	})
}

func bucket(s *inventory.Stock, b inventory.Bucket) *int {
	switch b {
	case inventory.Reserved:
		return &s.Reserved
	case inventory.Shipped:
		return &s.Shipped
	default:
		return &s.Available
	}
}

// Overdue returns the reservations that have been RESERVED since before a time.
func (s *Store) Overdue(_ context.Context, before time.Time) ([]inventory.Reservation, error) {
	return s.reservations.Where(func(r inventory.Reservation) bool {
		return r.Status == inventory.StatusReserved && r.UpdatedAt.Before(before)
	}), nil
}

// Adjust changes the available stock.
func (s *Store) Adjust(_ context.Context, before inventory.Stock, delta int, with commit.With) error {
	return s.Commit(with, func() error {
		stock := s.stock.Get(before.SKU)
		if stock.SKU = before.SKU; stock != before {
			return fault.ErrLostRace
		}
		stock.Available += delta
		s.stock.Save(before.SKU, stock)
		return nil
	})
}

// Reservations returns reservations.
func (s *Store) Reservations(_ context.Context, orderIDs []string) ([]inventory.Reservation, error) {
	return s.reservations.GetMany(orderIDs)
}

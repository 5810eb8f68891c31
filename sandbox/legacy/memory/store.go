// Package memory is the old shop's store in memory.
package memory

import (
	"context"
	"slices"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
	"orderflow/sandbox/legacy"
)

// Store implements legacy.Store.
type Store struct {
	*memdb.Log
	orders    memdb.Versioned[legacy.Order]
	receipts  *memdb.Items[legacy.Receipt]
	customers *memdb.Items[struct{}]
	taken     int64
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	once := func(stored legacy.Order, next *legacy.Order) { next.Lines = stored.Lines }
	return &Store{
		Log: log, orders: memdb.NewVersioned(log, "order", legacy.ErrNoOrder, once),
		receipts:  memdb.NewItems[legacy.Receipt](log, "receipt", nil),
		customers: memdb.NewItems[struct{}](log, "customer", nil),
	}
}

// Numbers takes n numbers.
func (s *Store) Numbers(_ context.Context, n int64) (first int64, err error) {
	err = s.Commit(commit.With{}, func() error {
		first = legacy.FirstNumber + s.taken
		s.taken += n
		return nil
	})
	return first, err
}

// Known reports whether a customer has been welcomed.
func (s *Store) Known(_ context.Context, customer string) (known bool, err error) {
	s.View(func() { _, known = s.customers.Find(customer) })
	return known, nil
}

// Welcome stores a customer with their orders.
func (s *Store) Welcome(_ context.Context, customer string, before []legacy.Order) error {
	return s.Commit(commit.With{}, func() error {
		if _, known := s.customers.Find(customer); known {
			return fault.ErrLostRace
		}
		s.customers.Save(customer, struct{}{})
		for _, o := range before {
			if err := s.orders.Next(o); err != nil {
				return err
			}
		}
		return nil
	})
}

// Order returns an order.
func (s *Store) Order(_ context.Context, customer string, number int64) (legacy.Order, error) {
	id, _ := legacy.Order{Customer: customer, Number: number}.Identity()
	return s.orders.Get(id)
}

// Orders returns the newest orders.
func (s *Store) Orders(_ context.Context, customer string, limit int) (found []legacy.Order, err error) {
	s.View(func() {
		for _, id := range slices.Backward(s.orders.Keys()) {
			if o := s.orders.Items.Get(id); o.Customer == customer && len(found) < limit {
				found = append(found, o)
			}
		}
	})
	return found, nil
}

// Receipt returns a receipt.
func (s *Store) Receipt(_ context.Context, customer, requestID string) (r legacy.Receipt, ok bool, err error) {
	s.View(func() { r, ok = s.receipts.Find(receiptKey(customer, requestID)) })
	return r, ok, nil
}

func receiptKey(customer, requestID string) string { return customer + " " + requestID } // no space in either

// Place stores an order and its receipt.
func (s *Store) Place(_ context.Context, o legacy.Order, r legacy.Receipt) error {
	return s.Commit(commit.With{}, func() error {
		key := receiptKey(o.Customer, r.RequestID)
		if _, taken := s.receipts.Find(key); taken {
			return fault.ErrLostRace
		}
		if err := s.orders.Next(owned(o)); err != nil {
			return err
		}
		s.receipts.Save(key, r)
		return nil
	})
}

// Write writes an order.
func (s *Store) Write(_ context.Context, o legacy.Order) error {
	return s.orders.Save(owned(o), commit.With{})
}

// owned returns a copy, since the caller may change its own later.
func owned(o legacy.Order) legacy.Order {
	o.Lines = slices.Clone(o.Lines)
	return o
}

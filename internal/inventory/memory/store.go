// Package memory is inventory's store in memory.
package memory

import (
	"context"
	"errors"
	"strconv"
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
	stock        *memdb.Items[shard]
	reservations memdb.Versioned[inventory.Reservation]
	products     *memdb.Items[string]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, stock: memdb.NewItems[shard](log, "stock", nil),
		reservations: memdb.NewVersioned(log, "reservation", inventory.ErrNoReservation, reservedOnce),
		products:     memdb.NewItems[string](log, "product", nil),
	}
}

// reservedOnce keeps the lines that were reserved first.
func reservedOnce(stored inventory.Reservation, next *inventory.Reservation) {
	next.Items, next.Parts = stored.Items, stored.Parts
}

type shard struct {
	inventory.Shard
	count int // in shard 0, the number of shards; 0 is one
}

func key(sku string, n int) string {
	if n == 0 {
		return sku
	}
	return sku + "#" + strconv.Itoa(n)
}

// Shards returns the shards of a product's stock. It reads them one after the other, since DynamoDB
// does not read them at one instant either.
func (s *Store) Shards(_ context.Context, sku string) (shards []inventory.Shard, err error) {
	for n, count := 0, 1; n < count; n++ {
		s.View(func() {
			item, ok := s.stock.Find(key(sku, n))
			if !ok {
				err = inventory.ErrNoStock
				return
			}
			count = max(count, item.count)
			shards = append(shards, item.Shard)
		})
	}
	return shards, err
}

// CountAvailable counts the available units of products.
func (s *Store) CountAvailable(_ context.Context, skus []string, enough int) (map[string]int, error) {
	found := map[string]int{}
	s.View(func() {
		for _, sku := range skus {
			root, ok := s.stock.Find(sku)
			if !ok {
				continue
			}
			sum := root.Available
			for n := 1; n < root.count && sum < enough; n++ {
				sum += s.stock.Get(key(sku, n)).Available
			}
			found[sku] = sum
		}
	})
	return found, nil
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

// Move moves the reservation's parts between two buckets.
func (s *Store) Move(_ context.Context, r inventory.Reservation, from, to inventory.Bucket, with commit.With) error {
	return s.Commit(with, func() error {
		if err := s.reservations.Check(r); err != nil {
			return err
		}
		var blocked error
		for _, p := range r.Held() {
			if stock := s.stock.Get(key(p.SKU, p.Shard)); stock.In(from) < p.Quantity {
				blocked = errors.Join(blocked, &inventory.Blocked{SKU: p.SKU, Err: inventory.ErrOutOfStock})
			}
		}
		if blocked != nil {
			return blocked
		}
		for _, p := range r.Held() {
			stock := s.stock.Get(key(p.SKU, p.Shard))
			*stock.Of(from) -= p.Quantity
			*stock.Of(to) += p.Quantity
			if to == inventory.Available {
				stock.Gains++
			}
			s.stock.Save(key(p.SKU, p.Shard), stock)
		}
		return s.reservations.Next(r)
	})
}

// Overdue returns the reservations that have been RESERVED since before a time.
func (s *Store) Overdue(_ context.Context, before time.Time) ([]inventory.Reservation, error) {
	return s.reservations.Where(func(r inventory.Reservation) bool {
		return r.Status == inventory.StatusReserved && r.UpdatedAt.Before(before)
	}), nil
}

// Adjust replaces the shards.
func (s *Store) Adjust(_ context.Context, before, after []inventory.Shard, with commit.With) error {
	sku := after[0].SKU
	all := max(len(before), len(after))
	return s.Commit(with, func() error {
		for n := range all {
			stored := s.stock.Get(key(sku, n))
			if stored.SKU = sku; stored.Shard != inventory.ShardAt(before, n, sku) {
				return fault.ErrLostRace
			}
		}
		for n := range all {
			stored := s.stock.Get(key(sku, n))
			gains := stored.Gains
			stored.Shard = inventory.ShardAt(after, n, sku)
			stored.Gains = gains + 1
			s.save(n, stored, len(after))
		}
		return nil
	})
}

// Shift adds the differences.
func (s *Store) Shift(_ context.Context, before, after []inventory.Shard, with commit.With) error {
	sku := after[0].SKU
	return s.Commit(with, func() error {
		next := make([]shard, len(after))
		lost := s.stock.Get(sku).Gains != before[0].Gains
		for n := range after {
			next[n] = s.stock.Get(key(sku, n))
			next[n].SKU = sku
			for _, b := range inventory.Buckets {
				*next[n].Of(b) += after[n].In(b) - inventory.ShardAt(before, n, sku).In(b)
				lost = lost || next[n].In(b) < 0
			}
		}
		if lost {
			return fault.ErrLostRace
		}
		for n := range after {
			if n == 0 || after[n].Stock != inventory.ShardAt(before, n, sku).Stock {
				next[n].Gains++
				s.save(n, next[n], len(after))
			}
		}
		return nil
	})
}

// save writes a shard of a product that has count of them.
func (s *Store) save(n int, stored shard, count int) {
	if n == 0 {
		stored.count = count
	}
	s.stock.Save(key(stored.SKU, n), stored)
}

// Split returns the products with several shards.
func (s *Store) Split(context.Context) (skus []string, err error) {
	s.View(func() {
		for _, key := range s.stock.Keys() {
			if item := s.stock.Get(key); item.count > 1 {
				skus = append(skus, item.SKU)
			}
		}
	})
	return skus, nil
}

// Reservations returns reservations.
func (s *Store) Reservations(_ context.Context, orderIDs []string) ([]inventory.Reservation, error) {
	return s.reservations.GetMany(orderIDs)
}

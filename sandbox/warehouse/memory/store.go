// Package memory is the warehouse's books in memory.
package memory

import (
	"context"
	"slices"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
	"orderflow/sandbox/warehouse"
)

// Store implements warehouse.Store.
type Store struct {
	*memdb.Log
	entries *memdb.Items[warehouse.Entry]
	stock   *memdb.Items[int]
}

// New returns empty books.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, entries: memdb.NewItems[warehouse.Entry](log, "entry", nil),
		stock: memdb.NewItems[int](log, "stock", nil),
	}
}

// Entry returns a document.
func (s *Store) Entry(_ context.Context, id string) (e warehouse.Entry, err error) {
	s.View(func() {
		var found bool
		if e, found = s.entries.Find(id); !found {
			err = warehouse.ErrNoEntry
		}
	})
	e.Moves = slices.Clone(e.Moves)
	return e, err
}

// Book adds a document.
func (s *Store) Book(_ context.Context, e warehouse.Entry, unless string) error {
	return s.Commit(commit.With{}, func() error {
		for _, id := range []string{e.ID, unless} {
			if _, exists := s.entries.Find(id); exists {
				return fault.ErrLostRace
			}
		}
		e.Moves = slices.Clone(e.Moves)
		s.entries.Save(e.ID, e)
		for _, l := range e.Moves {
			s.stock.Save(l.SKU, s.stock.Get(l.SKU)+l.Quantity)
		}
		return nil
	})
}

// OnHand returns the stock of a product.
func (s *Store) OnHand(_ context.Context, sku string) (n int, err error) {
	s.View(func() { n = s.stock.Get(sku) })
	return n, nil
}

// Package memory is the carrier's store in memory.
package memory

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
	"orderflow/sandbox/carrier"
)

// Store implements carrier.Store.
type Store struct {
	*memdb.Log
	entries *memdb.Items[carrier.Entry]
	due     *memdb.Items[carrier.Due]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{log, memdb.NewItems[carrier.Entry](log, "shipment", nil), memdb.NewItems[carrier.Due](log, "callback", nil)}
}

// Entry returns what is kept of a reference.
func (s *Store) Entry(_ context.Context, reference string) (e carrier.Entry, err error) {
	s.View(func() { e = s.entries.Get(reference) })
	e.Reference = reference
	return e, nil
}

// Write writes an entry.
func (s *Store) Write(_ context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	return s.Commit(with, func() error {
		if s.entries.Get(e.Reference).Version != e.Version-1 {
			return fault.ErrLostRace
		}
		if e.Shipment != nil { // what the caller does to its own later is not written
			c := *e.Shipment
			e.Shipment = &c
		}
		s.entries.Save(e.Reference, e)
		if due != nil {
			s.due.Save(due.Reference, *due)
		}
		return nil
	})
}

// Record writes what comes with a change.
func (s *Store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}

// Due returns the callback asked for of a reference; ok is false where there is none.
func (s *Store) Due(_ context.Context, reference string) (due carrier.Due, ok bool, err error) {
	s.View(func() { due, ok = s.due.Find(reference) })
	return due, ok, nil
}

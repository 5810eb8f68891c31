// Package memory is the carrier's store in memory.
package memory

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/sandbox/carrier"
)

// Store implements carrier.Store.
type Store struct {
	*memdb.Log
	entries memdb.Versioned[carrier.Entry]
	due     *memdb.Items[carrier.Due]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		log, memdb.NewVersioned[carrier.Entry](log, "shipment", nil, nil),
		memdb.NewItems[carrier.Due](log, "callback", nil),
	}
}

// Entry returns the entry of a reference.
func (s *Store) Entry(_ context.Context, reference string) (e carrier.Entry, err error) {
	e, err = s.entries.Get(reference)
	e.Reference = reference
	return e, err
}

// Write writes an entry.
func (s *Store) Write(_ context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	return s.Commit(with, func() error {
		if e.Shipment != nil { // a copy, since the caller may change its own later
			c := *e.Shipment
			e.Shipment = &c
		}
		if err := s.entries.Next(e); err != nil {
			return err
		}
		if due != nil {
			s.due.Save(due.Reference, *due)
		}
		return nil
	})
}

// Due returns the due callback of a reference; ok is false if there is none.
func (s *Store) Due(_ context.Context, reference string) (due carrier.Due, ok bool, err error) {
	s.View(func() { due, ok = s.due.Find(reference) })
	return due, ok, nil
}

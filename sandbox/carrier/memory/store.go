// Package memory is the carrier's store in memory.
package memory

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memory"
	"orderflow/sandbox/carrier"
)

// Store implements carrier.Store.
type Store struct {
	*memory.Log
	entries map[string]carrier.Entry
	due     map[string]carrier.Due
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	return &Store{Log: memory.NewLog(c), entries: map[string]carrier.Entry{}, due: map[string]carrier.Due{}}
}

// Entry returns what is kept of a reference.
func (s *Store) Entry(_ context.Context, reference string) (e carrier.Entry, err error) {
	s.View(func() { e = s.entries[reference] })
	e.Reference = reference
	return e, nil
}

// Write replaces an entry.
func (s *Store) Write(_ context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	return s.Commit(with, func() error {
		if s.entries[e.Reference].Version != e.Version-1 {
			return fault.ErrLostRace
		}
		if e.Shipment != nil { // what the caller does to its own later is not written
			c := *e.Shipment
			e.Shipment = &c
		}
		s.entries[e.Reference] = e
		if due != nil {
			s.due[due.Reference] = *due
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
	s.View(func() { due, ok = s.due[reference] })
	return due, ok, nil
}

package memdb

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
)

// Store implements commit.Store in memory.
type Store[V commit.Aggregate] struct {
	*Log
	Kind Versioned[V]
}

// NewStore returns an empty store. missing is the error of Get for an unknown id.
func NewStore[V commit.Aggregate](c clock.Clock, kind string, missing error) *Store[V] {
	log := NewLog(c)
	return &Store[V]{log, NewVersioned[V](log, kind, missing, nil)}
}

// Get returns an aggregate.
func (s *Store[V]) Get(_ context.Context, id string) (V, error) { return s.Kind.Get(id) }

// GetMany returns aggregates.
func (s *Store[V]) GetMany(_ context.Context, ids []string) ([]V, error) { return s.Kind.GetMany(ids) }

// Save writes an aggregate's next version.
func (s *Store[V]) Save(_ context.Context, v V, with commit.With) error { return s.Kind.Save(v, with) }

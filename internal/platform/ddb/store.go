package ddb

import (
	"context"

	"orderflow/internal/platform/commit"
)

// Store implements commit.Store in a table.
type Store[V commit.Aggregate, I any] struct {
	*Table
	Kind Versioned[V, I]
}

// Get reads an aggregate.
func (s Store[V, I]) Get(ctx context.Context, id string) (V, error) {
	return s.Kind.Get(ctx, s.Table, id)
}

// GetMany reads aggregates in one batch.
func (s Store[V, I]) GetMany(ctx context.Context, ids []string) ([]V, error) {
	return s.Kind.GetMany(ctx, s.Table, ids)
}

// Save writes an aggregate's next version.
func (s Store[V, I]) Save(ctx context.Context, v V, with commit.With) error {
	return s.Kind.Save(ctx, s.Table, v, with)
}

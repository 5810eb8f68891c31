package ddb

import (
	"context"

	"orderflow/internal/platform/commit"
)

// Versioned describes items of one kind: aggregates V, each stored as one item of the shape I.
type Versioned[V commit.Aggregate, I any] struct {
	// Key is the key of the item of an aggregate's id.
	Key func(id string) (pk, sk string)
	// Missing is the error of Get where there is no item; nil if that stands for the zero V.
	Missing error
	Encode  func(V) I
	Decode  func(item I, id string) V
}

// Under keys items by a prefix and their id.
func Under(prefix, sk string) func(id string) (string, string) {
	return func(id string) (string, string) { return prefix + id, sk }
}

// Get reads an aggregate consistently.
func (k Versioned[V, I]) Get(ctx context.Context, t *Table, id string) (v V, err error) {
	var item I
	pk, sk := k.Key(id)
	if found, err := t.Find(ctx, pk, sk, &item); err != nil {
		return v, err
	} else if !found {
		return v, k.Missing
	}
	return k.Decode(item, id), nil
}

// Save writes the version after the one that is stored, else it fails with fault.ErrLostRace.
func (k Versioned[V, I]) Save(ctx context.Context, t *Table, v V, with commit.With) error {
	return t.Commit(ctx, with, k.Next(t, v))
}

// SaveOver is Save for versions that others count: what is stored must be of version before, 0 for
// nothing.
func (k Versioned[V, I]) SaveOver(ctx context.Context, t *Table, v V, before int64, with commit.With) error {
	return t.Commit(ctx, with, k.over(t, v, before))
}

// Next is the write of Save.
func (k Versioned[V, I]) Next(t *Table, v V) Op {
	_, version := v.Identity()
	return k.over(t, v, version-1)
}

func (k Versioned[V, I]) over(t *Table, v V, before int64) Op {
	id, _ := v.Identity()
	pk, sk := k.Key(id)
	return t.SaveVersion(pk, sk, k.Encode(v), before)
}

package memdb

import (
	"cmp"
	"slices"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Versioned are aggregates of one kind, each stored as one item; see ddb.Versioned.
type Versioned[V commit.Aggregate] struct {
	*Items[V]
	missing error
}

// NewVersioned returns an empty set of aggregates. missing is the error of Get for an unknown id;
// once is as in NewItems.
func NewVersioned[V commit.Aggregate](
	l *Log, kind string, missing error, once func(stored V, next *V),
) Versioned[V] {
	return Versioned[V]{NewItems(l, kind, once), missing}
}

// Get reads an aggregate.
func (i Versioned[V]) Get(id string) (v V, err error) {
	i.log.View(func() {
		var found bool
		if v, found = i.Find(id); !found {
			err = i.missing
		}
	})
	return v, err
}

// GetMany reads the aggregates of distinct ids, in their order; those that do not exist are left
// out.
func (i Versioned[V]) GetMany(ids []string) (found []V, err error) {
	i.log.View(func() {
		for _, id := range ids {
			if v, ok := i.Find(id); ok {
				found = append(found, v)
			}
		}
	})
	return found, nil
}

// Where returns the aggregates for which holds is true, by id.
func (i Versioned[V]) Where(holds func(V) bool) (found []V) {
	i.log.View(func() {
		for _, v := range i.All() {
			if holds(v) {
				found = append(found, v)
			}
		}
	})
	slices.SortFunc(found, func(a, b V) int {
		first, _ := a.Identity()
		second, _ := b.Identity()
		return cmp.Compare(first, second)
	})
	return found
}

// Save writes v, which must be one version after the stored one, else it returns fault.ErrLostRace.
func (i Versioned[V]) Save(v V, with commit.With) error {
	return i.log.Commit(with, func() error { return i.Next(v) })
}

// SaveOver is Save for versions that another service counts and that may have gaps. The stored
// version must be before, 0 for a new item.
func (i Versioned[V]) SaveOver(v V, before int64, with commit.With) error {
	return i.log.Commit(with, func() error { return i.over(v, before) })
}

// Next is Save inside a commit.
func (i Versioned[V]) Next(v V) error {
	_, version := v.Identity()
	return i.over(v, version-1)
}

// Check is the condition of Next, for a commit that checks several items before it changes any.
func (i Versioned[V]) Check(v V) error {
	_, version := v.Identity()
	return i.check(v, version-1)
}

func (i Versioned[V]) over(v V, before int64) error {
	if err := i.check(v, before); err != nil {
		return err
	}
	id, _ := v.Identity()
	i.Items.Save(id, v)
	return nil
}

func (i Versioned[V]) check(v V, before int64) error {
	id, _ := v.Identity()
	if _, stored := i.Items.Get(id).Identity(); stored != before {
		return fault.ErrLostRace
	}
	return nil
}

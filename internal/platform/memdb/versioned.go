package memdb

import (
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Versioned are items of one kind, each an aggregate; see ddb.Versioned.
type Versioned[V commit.Aggregate] struct {
	*Items[V]
	missing error
}

// NewVersioned returns a store's aggregates of a kind, of which there are none yet. missing is the
// error of Get; once is as in NewItems.
func NewVersioned[V commit.Aggregate](l *Log, kind string, missing error, once func(stored V, next *V)) Versioned[V] {
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

// Save writes the version after the one that is stored, else it fails with fault.ErrLostRace.
func (i Versioned[V]) Save(v V, with commit.With) error {
	return i.log.Commit(with, func() error { return i.Next(v) })
}

// SaveOver is Save for versions that others count: what is stored must be of version before, 0 for
// nothing.
func (i Versioned[V]) SaveOver(v V, before int64, with commit.With) error {
	return i.log.Commit(with, func() error { return i.over(v, before) })
}

// Next is Save within a commit.
func (i Versioned[V]) Next(v V) error {
	_, version := v.Identity()
	return i.over(v, version-1)
}

// Check is the condition of Next, for a commit that checks others before it changes anything.
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

package storesuite

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
)

// Aggregate is how a store of type S keeps its aggregates of type V. All stores keep their
// aggregates in the same way, so they pass the same cases.
type Aggregate[S any, V commit.Aggregate] struct {
	Get  func(S, context.Context, string) (V, error)
	Save func(S, context.Context, V, commit.With) error
	// GetMany reads several aggregates at once. It is nil if the store has no such method.
	GetMany func(S, context.Context, []string) ([]V, error)
	// Missing is the error of Get for an unknown id. It is nil if Get then returns no error.
	Missing error
	// New returns a version of an aggregate.
	New func(id string, version int64) V
	// Versions are versions 1, 2, … of one aggregate. They set all fields and clear the optional
	// ones.
	Versions []V
}

func (a Aggregate[S, V]) run(t *testing.T, open Open[S]) {
	cases := map[string]func(*testing.T, S){
		"versionsComeBackAsSaved": a.versionsComeBackAsSaved, "onlyTheNextVersionIsSaved": a.onlyTheNextVersionIsSaved,
		"idsAreKeptApart": a.idsAreKeptApart,
	}
	if a.Missing != nil {
		cases["unknownIDIsNotFound"] = a.unknownIDIsNotFound
	}
	if a.GetMany != nil {
		cases["manyAreReadInOneBatch"] = a.manyAreReadInOneBatch
	}
	kind := reflect.TypeFor[V]().Name()
	for name, run := range cases {
		t.Run(kind+"/"+name, func(t *testing.T) {
			s, _ := open(t, clock.At(Start))
			run(t, s)
		})
	}
	RunCases(t, open, Suite[S]{Kinds: map[string]Kind[S]{kind: {
		Write: func(t *testing.T, s S) { a.Put(t, s, a.Versions[0]) },
		Rewrite: func(t *testing.T, s S) {
			a.Put(t, s, a.Versions[1:]...)
			a.Want(t, s, a.Versions[len(a.Versions)-1])
		},
	}}})
}

// Put saves versions of aggregates, in this order.
func (a Aggregate[S, V]) Put(t *testing.T, s S, versions ...V) {
	t.Helper()
	for _, v := range versions {
		Must(t, a.Save(s, t.Context(), v, commit.With{}))
	}
}

// Want checks that the store has these versions.
func (a Aggregate[S, V]) Want(t *testing.T, s S, versions ...V) {
	t.Helper()
	for _, want := range versions {
		id, _ := want.Identity()
		if got, err := a.Get(s, t.Context(), id); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Get %s: %v, %s", id, err, cmp.Diff(want, got))
		}
	}
}

func (a Aggregate[S, V]) unknownIDIsNotFound(t *testing.T, s S) {
	a.Put(t, s, a.New("1", 1))
	if _, err := a.Get(s, t.Context(), "none"); !errors.Is(err, a.Missing) {
		t.Errorf("Get: %v, want %v", err, a.Missing)
	}
}

func (a Aggregate[S, V]) versionsComeBackAsSaved(t *testing.T, s S) {
	for _, v := range a.Versions {
		a.Put(t, s, v)
		a.Want(t, s, v)
	}
}

func (a Aggregate[S, V]) onlyTheNextVersionIsSaved(t *testing.T, s S) {
	NextVersionOnly(t, func(id string, version int64) error {
		return a.Save(s, t.Context(), a.New(id, version), commit.With{})
	})
	a.Want(t, s, a.New("1", 2))
}

func (a Aggregate[S, V]) idsAreKeptApart(t *testing.T, s S) {
	a.Put(t, s, a.New("1", 1), a.New("2", 1), a.New("2", 2))
	a.Want(t, s, a.New("1", 1), a.New("2", 2))
}

func (a Aggregate[S, V]) manyAreReadInOneBatch(t *testing.T, s S) {
	a.Put(t, s, a.New("1", 1), a.New("2", 1), a.New("3", 1))
	found, err := a.GetMany(s, t.Context(), []string{"3", "none", "1"})
	if want := []V{a.New("3", 1), a.New("1", 1)}; err != nil || !reflect.DeepEqual(found, want) {
		t.Errorf("GetMany: %v, %s", err, cmp.Diff(want, found))
	}
}

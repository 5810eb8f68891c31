package storesuite

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Aggregate describes how a store of type S keeps aggregates of type V. All stores do so in the
// same way, so they pass the same cases.
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

func (a Aggregate[S, V]) run(t *testing.T, open Open[S], protocol bool) {
	cases := map[string]func(*testing.T, S){
		"versionsComeBackAsSaved": a.versionsComeBackAsSaved, "onlyTheNextVersionIsSaved": a.onlyTheNextVersionIsSaved,
		"idsAreKeptApart": a.idsAreKeptApart,
	}
	if protocol {
		cases["stepIsRecordedWithItsChange"] = a.stepIsRecordedWithItsChange
		cases["refusedChangeRecordsNoStep"] = a.refusedChangeRecordsNoStep
		cases["stepUndoneBeforeItRanIsNoAggregate"] = a.stepUndoneBeforeItRanIsNoAggregate
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

// step returns a step of saga "1" that saves a version of its aggregate with an event.
func (a Aggregate[S, V]) step(s S, version int64) func(context.Context, barrier.Once) (int, error) {
	return func(ctx context.Context, once barrier.Once) (int, error) {
		with := commit.With{Barrier: once.Returning(int(version)), Events: events(ctx)}
		return int(version), a.Save(s, ctx, a.New("1", version), with)
	}
}

func (a Aggregate[S, V]) stepIsRecordedWithItsChange(t *testing.T, s S) {
	log := any(s).(Store)
	for n, name := range []string{"First", "Second"} {
		for range 2 {
			got, err := barrier.Do(t.Context(), log, "1", name, a.step(s, int64(n+1)))
			want(t, got, n+1, err)
		}
		_, err := barrier.Do(t.Context(), blind{log}, "1", name, a.step(s, int64(n+2)))
		if fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("%s again, without its record: %v, want a transient error", name, err)
		}
		a.Want(t, s, a.New("1", int64(n+1)))
	}
	wantOutbox(t, log, 2)
	a.Put(t, s, a.New("1", 3))
	wantOutbox(t, log, 2) // the third version has no event
	got, err := barrier.Do(t.Context(), log, "1", "First", a.step(s, 4))
	want(t, got, 1, err)
}

func (a Aggregate[S, V]) refusedChangeRecordsNoStep(t *testing.T, s S) {
	log := any(s).(Store)
	a.Put(t, s, a.New("1", 1))
	if _, err := barrier.Do(t.Context(), log, "1", "Step", a.step(s, 3)); err == nil {
		t.Error("version 3 was saved over version 1")
	}
	wantOutbox(t, log, 0)
	got, err := barrier.Do(t.Context(), log, "1", "Step", a.step(s, 2))
	want(t, got, 2, err)
}

func (a Aggregate[S, V]) stepUndoneBeforeItRanIsNoAggregate(t *testing.T, s S) {
	log := any(s).(Store)
	var saw barrier.Done
	for range 2 {
		got, err := barrier.Undo(t.Context(), log, "1", "Undo", []string{"Step"}, undo(log, 7, &saw))
		want(t, got, 7, err)
	}
	got, err := a.Get(s, t.Context(), "1")
	if _, version := got.Identity(); version != 0 || !errors.Is(err, a.Missing) {
		t.Errorf("Get: version %d, %v; want %v", version, err, a.Missing)
	}
	if a.GetMany != nil {
		if found, err := a.GetMany(s, t.Context(), []string{"1"}); len(found) > 0 || err != nil {
			t.Errorf("GetMany: %+v, %v; want none", found, err)
		}
	}
	a.Put(t, s, a.New("1", 1))
	if _, err := barrier.Do(t.Context(), log, "1", "Step", a.step(s, 2)); !errors.Is(err, barrier.ErrCompensated) {
		t.Errorf("the late step: %v, want ErrCompensated", err)
	}
	a.Want(t, s, a.New("1", 1))
}

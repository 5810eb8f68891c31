package memdb_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
)

// store is a minimal store over a log.
type store struct{ *memdb.Log }

func (s store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}

func TestLogKeepsTheProtocol(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (storesuite.Store, storesuite.Newer) {
		return store{memdb.NewLog(c)}, nil
	}
	storesuite.Run(t, open, storesuite.Suite[storesuite.Store]{})
}

func TestRefusedChangeWritesNothing(t *testing.T) {
	log, refused := memdb.NewLog(clock.System{}), errors.New("refused")
	with := everything(t, log, "s", "k")
	if err := log.Commit(with, func() error { return refused }); !errors.Is(err, refused) {
		t.Fatalf("Commit = %v, want the change's error", err)
	}
	if err := log.Commit(with, func() error { return nil }); err != nil {
		t.Errorf("Commit after the refusal: %v, want success", err)
	}
	if got := log.TakeOutbox(); len(got) != 1 {
		t.Errorf("%d events, want 1", len(got))
	}
}

func TestExistingRecordLosesTheRaceBeforeTheChange(t *testing.T) {
	for name, with := range map[string]func(*testing.T, *memdb.Log) commit.With{
		"barrier": func(t *testing.T, l *memdb.Log) commit.With { return everything(t, l, "s", "other") },
		"reply":   func(t *testing.T, l *memdb.Log) commit.With { return everything(t, l, "other", "k") },
	} {
		log := memdb.NewLog(clock.System{})
		second := with(t, log)
		if err := log.Commit(everything(t, log, "s", "k"), func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		err := log.Commit(second, func() error {
			t.Errorf("%s: the change ran", name)
			return nil
		})
		if !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("%s: %v, want ErrLostRace", name, err)
		}
	}
}

func TestTakeOutboxEmptiesTheOutbox(t *testing.T) {
	log := memdb.NewLog(clock.At(time.Unix(0, 0)))
	with := commit.With{Events: []envelope.Event{{ID: "1"}, {ID: "2"}}}
	if err := log.Commit(with, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	first, second := log.TakeOutbox(), log.TakeOutbox()
	if len(first) != 2 || first[0].ID != "1" || len(second) != 0 {
		t.Errorf("took %v, then %v", first, second)
	}
}

func TestViewSeesNoHalfChange(t *testing.T) {
	log, a, b := memdb.NewLog(clock.System{}), 0, 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 100 {
			_ = log.Commit(commit.With{}, func() error { a++; b++; return nil })
		}
	}()
	for range 100 {
		log.View(func() {
			if a != b {
				t.Errorf("saw %d and %d", a, b)
			}
		})
	}
	<-done
}

// everything returns a With that has a barrier record of saga, a reply record of key, and an event.
func everything(t *testing.T, log *memdb.Log, saga, key string) (with commit.With) {
	t.Helper()
	stop := errors.New("stop")
	_, _ = barrier.Do(t.Context(), log, saga, "Step", func(_ context.Context, once barrier.Once) (int, error) {
		with.Barrier = once.Returning(1)
		return 0, stop
	})
	run := func(_ context.Context, once idempotency.Once) (int, error) {
		with.Reply = once.Returning(1)
		return 0, stop
	}
	_, _, _ = idempotency.Do(t.Context(), log, idempotency.Request{Scope: "me", Key: key}, run)
	with.Events = []envelope.Event{{ID: "1"}}
	return with
}

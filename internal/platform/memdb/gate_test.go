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
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
)

var errShut = errors.New("shut")

// keeper is a gate that counts calls, and makes them fail while it is shut.
type keeper struct {
	memdb.Open
	looks, finds, commits int
	shut                  bool
}

func (k *keeper) Look() { k.looks++ }

func (k *keeper) Find() error {
	k.finds++
	if k.shut {
		return errShut
	}
	return nil
}

func (k *keeper) Commit(with commit.With, write func(commit.With) error) error {
	k.commits++
	if k.shut {
		return errShut
	}
	return write(with)
}

func TestEveryReadAndWriteGoesThroughTheGate(t *testing.T) {
	ctx := context.Background()
	k := &keeper{}
	log := memdb.NewLog(clock.At(time.Unix(0, 0)))
	log.Guard(k)
	log.View(func() {})
	event := envelope.Event{ID: "e1"}
	changed := false
	change := func() error { changed = true; return nil }
	if err := log.Commit(commit.With{Events: []envelope.Event{event}}, change); err != nil || !changed {
		t.Errorf("Commit: %v, applied: %t", err, changed)
	}
	for _, e := range log.TakeOutbox() {
		if err := log.PutAside(ctx, []outbox.Item{{Event: e}}); err != nil {
			t.Error(err)
		}
	}
	waiting, err := log.Waiting(ctx)
	if err != nil || len(waiting) != 1 || waiting[0].Event.ID != "e1" {
		t.Errorf("Waiting = %v, %v", waiting, err)
	}
	if err := log.DeletePublished(ctx, append(waiting, outbox.Item{Event: envelope.Event{ID: "gone"}})); err != nil {
		t.Error(err)
	}
	if left, err := log.Waiting(ctx); err != nil || len(left) != 0 {
		t.Errorf("waiting after the deletion: %v, %v", left, err)
	}
	if k.looks != 1 || k.finds != 2 || k.commits != 3 {
		t.Errorf("the gate saw %d looks, %d finds and %d commits", k.looks, k.finds, k.commits)
	}
}

func TestShutGateMakesCallsFail(t *testing.T) {
	ctx := context.Background()
	log := memdb.NewLog(clock.At(time.Unix(0, 0)))
	log.Guard(&keeper{shut: true})
	_, barred := log.Barriers(ctx, barrier.Key{})
	_, _, replied := log.Reply(ctx, "", "")
	_, waiting := log.Waiting(ctx)
	written := log.Commit(commit.With{}, func() error {
		t.Error("the write was carried out")
		return nil
	})
	for call, err := range map[string]error{
		"Barriers": barred, "Reply": replied, "Waiting": waiting, "Commit": written,
	} {
		if !errors.Is(err, errShut) {
			t.Errorf("%s: %v, want the gate's error", call, err)
		}
	}
}

func TestReachFailsBehindAShutGate(t *testing.T) {
	l, k := memdb.NewLog(clock.At(time.Unix(0, 0))), &keeper{}
	l.Guard(k)
	if err := l.Reach(t.Context()); err != nil || k.finds != 1 {
		t.Errorf("%v after %d reads", err, k.finds)
	}
	k.shut = true
	if err := l.Reach(t.Context()); !errors.Is(err, errShut) {
		t.Errorf("shut: %v", err)
	}
}

package memdb_test

import (
	"context"
	"testing"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
)

// A result without a JSON form cannot be replayed, so its change must not be written either.
func TestUnencodableResultIsNotWritten(t *testing.T) {
	log := memdb.NewLog(clock.At(time.Unix(0, 0)))
	write := func(with commit.With) error {
		with.Events = append(with.Events, envelope.Event{ID: "e1"})
		return log.Commit(with, func() error {
			t.Error("the write was carried out")
			return nil
		})
	}
	_, barred := barrier.Do(t.Context(), log, "saga", "step", func(_ context.Context, once barrier.Once) (int, error) {
		return 0, write(commit.With{Barrier: once.Returning(func() {})})
	})
	run := func(_ context.Context, once idempotency.Once) (int, error) {
		return 0, write(commit.With{Reply: once.Returning(func() {})})
	}
	_, _, replied := idempotency.Do(t.Context(), log, idempotency.Request{Key: "k"}, run)
	for name, err := range map[string]error{"barrier": barred, "reply": replied} {
		if err == nil || fault.From(err).Code != "UnencodableResult" {
			t.Errorf("%s: %v, want UnencodableResult", name, err)
		}
	}
	publisher := envelope.Publisher{Clock: clock.System{}, IDs: &ids.Sequence{}}
	unencodable := publisher.New(t.Context(), "type", "subject", 1, func() {})
	err := write(commit.With{Events: []envelope.Event{unencodable}})
	if err == nil || fault.From(err).Code != "UnencodableEvent" {
		t.Errorf("event: %v, want UnencodableEvent", err)
	}
	if left, err := log.Outbox(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("outbox: %v, %v; want no events", left, err)
	}
}
